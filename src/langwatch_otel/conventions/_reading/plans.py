"""What the keys of a span mean, taken together: worked out once for all spans that have the same keys."""

from collections.abc import Callable, Iterable

from .canonical_span import Canonical
from .content import CONTENT
from .conversations import conversation_of, is_changeable
from .grouped import Grouped
from .keys import NAMING, Meaning
from .remembered import Memory, Remembered
from .scalars import COUNTS, Counts, facts_of

Look = Callable[[str], Meaning | None]
Names = dict[tuple[str, ...], Remembered[Canonical]]

_KINDS = (
    NAMING,
    ("model", "provider", "operation", "tool_name", "span_type"),
    CONTENT,
    (*COUNTS, "usage"),
)
_KIND = {field: kind for kind, fields in enumerate(_KINDS) for field in fields}

MAX_PLAN = 8192
"""Characters of the keys of one plan that is remembered."""
MAX_PLANNED = 1024 * 1024
"""Characters of the keys of all plans that are remembered."""


class Plan:
    """The keys of a span: in each group those that say the same, in the order of preference."""

    __slots__ = ("content", "counts", "facts", "more", "names")

    def __init__(self, keys: Iterable[str], meaning: Look, known: Names, memory: Memory) -> None:
        groups: tuple[dict[str, list[Meaning]], ...] = ({}, {}, {}, {})
        for found in sorted(filter(None, map(meaning, keys)), key=_order):
            groups[_KIND[found.field]].setdefault(found.field, []).append(found)
        names, facts, content, counts = map(Grouped, groups)
        # Spans with other keys beside these say the same of the conversation.
        self.names = known.get(names.keys)
        if self.names is None and names.keys:
            self.names = known[names.keys] = Remembered(names, conversation_of, memory, is_changeable)
        self.facts = Remembered(facts, facts_of, memory) if facts.keys else None
        self.content = content if content.keys else None
        self.counts = Counts(counts) if counts.keys else None
        self.more = bool(facts.keys or counts.keys)
        """Whether a span says anything beside its conversation and its content."""


def _order(meaning: Meaning) -> tuple[bool, int]:
    # JSON objects of metadata before the keys under a prefix.
    return (meaning.field == "metadata" and bool(meaning.how), meaning.rank)
