"""What the keys of a span mean, taken together: worked out once for all spans that have the same keys."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from ...identity import METADATA_FIELDS
from .canonical_span import Canonical
from .content import CONTENT
from .keys import NAMING, Meaning

Look = Callable[[str], Meaning | None]
Groups = Mapping[str, Sequence[Meaning]]
Values = tuple[Any, ...]
Known = dict[Values, Canonical]

COUNTS = ("input_tokens", "output_tokens")
_KINDS = (
    NAMING,
    ("model", "provider", "operation", "tool_name", "span_type"),
    CONTENT,
    (*COUNTS, "usage"),
)
_KIND = {field: kind for kind, fields in enumerate(_KINDS) for field in fields}
_TEXT, _TEXTS = {str}, {str, tuple}

MAX_REMEMBERED_TEXT = 2048
"""Characters of the values of one span that are remembered."""
MAX_PLAN = 8192
"""Characters of the keys of one plan that is remembered."""


class Part:
    """Some of a span's keys, by what is read from them, and what was read from them lately."""

    __slots__ = ("_lists", "get", "groups", "inner", "keys", "known", "outer")

    def __init__(self, groups: Groups, known: Known) -> None:
        self.groups = groups
        self.keys = keys = keys_of(groups)
        self.known: Known | None = known
        """By the values of the keys, in their order; None where they are not remembered."""
        prefixed = [(meaning.how, meaning.key) for meaning in groups.get("metadata", ()) if meaning.how]
        self.inner = tuple((METADATA_FIELDS[name], key) for name, key in prefixed if name in METADATA_FIELDS)
        """Fields and keys, where a field of the conversation is under a prefix of metadata."""
        self.outer = tuple((name, key) for name, key in prefixed if name not in METADATA_FIELDS)
        """Names and keys of other metadata under a prefix."""
        self.get: Callable[[Mapping[str, Any]], Values] = (
            itemgetter(*keys) if len(keys) > 1 else lambda attributes: tuple([attributes[key] for key in keys])
        )
        """Of attributes, the values of the keys."""
        self._lists = False  # Some have been seen among the values.

    def values(self, attributes: Mapping[str, Any]) -> Values:
        """Return the values of the keys, lists as tuples where a list has been seen."""
        found = self.get(attributes)
        if self._lists:
            return tuple([tuple(value) if type(value) is list else value for value in found])
        return found

    def listed(self, attributes: Mapping[str, Any]) -> Values:
        """Return the values with lists as tuples, from now on."""
        self._lists = True
        return self.values(attributes)

    def may_keep(self, values: Values) -> bool:
        """Say whether `values` may be remembered: short texts; from a key that has none nothing ever is."""
        kinds = set(map(type, values))
        if kinds == _TEXT:
            return sum(map(len, values)) <= MAX_REMEMBERED_TEXT
        if kinds == _TEXTS:
            texts = [text for value in values for text in ((value,) if type(value) is str else value)]
            if set(map(type, texts)) == _TEXT:
                return sum(map(len, texts)) <= MAX_REMEMBERED_TEXT
        self.known = None  # 1 and True are equal, and are not read alike.
        return False


class Plan:
    """The keys of a span: in each group those that say the same, in the order of preference."""

    __slots__ = ("content", "counted", "counts", "facts", "first_counts", "names")

    def __init__(self, keys: Iterable[str], meaning: Look, known: dict[tuple[str, ...], Known]) -> None:
        groups: tuple[dict[str, list[Meaning]], ...] = ({}, {}, {}, {})
        for found in sorted(filter(None, map(meaning, keys)), key=_order):
            groups[_KIND[found.field]].setdefault(found.field, []).append(found)
        names, facts, content, self.counts = groups
        # Spans with other keys beside these say the same of the conversation.
        self.names = Part(names, known.setdefault(keys_of(names), {})) if names else None
        self.facts = Part(facts, {}) if facts else None
        self.content = Part(content, {}) if content else None
        firsts = {field: self.counts[field][0].key for field in COUNTS if field in self.counts}
        self.counted = MappingProxyType(firsts)
        """The keys that go first, of input and output."""
        self.first_counts = itemgetter(*firsts.values()) if len(firsts) == len(COUNTS) else None

    def forget(self) -> None:
        """Remember no values."""
        for part in (self.names, self.facts):
            if part is not None and part.known is not None:
                part.known.clear()


def _order(meaning: Meaning) -> tuple[bool, int]:
    # JSON objects of metadata before the keys under a prefix.
    return (meaning.field == "metadata" and bool(meaning.how), meaning.rank)


def keys_of(groups: Groups) -> tuple[str, ...]:
    """Return the keys in `groups`."""
    return tuple(meaning.key for group in groups.values() for meaning in group)
