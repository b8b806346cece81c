"""Those of a span's keys that are read together: by field, and in each the one that goes first."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from ...identity import METADATA_FIELDS
from .keys import Meaning
from .values import count_of, id_of, labels_of, name_of

Attributes = Mapping[str, Any]
Groups = Mapping[str, Sequence[Meaning]]

READ: Mapping[str, Callable[[object], Any]] = {
    "thread_id": id_of,
    "user_id": id_of,
    "customer_id": id_of,
    "labels": labels_of,
    "model": name_of,
    "provider": name_of,
    "operation": id_of,
    "input_tokens": count_of,
    "output_tokens": count_of,
    "tool_name": id_of,
    "span_type": name_of,
}
"""How a name or a number is read."""


class Grouped:
    """Some keys of a span by their fields, in the order of preference."""

    __slots__ = ("_firsts", "_took", "groups", "inner", "keys", "objects", "outer", "values")

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.keys = tuple(meaning.key for group in groups.values() for meaning in group)
        self.values = _values_of(self.keys)
        """Of attributes, the values of the keys, as a tuple."""
        self._firsts = tuple((field, READ[field], found[0].key) for field, found in groups.items() if field in READ)
        self._took = MappingProxyType({field: key for field, _, key in self._firsts})
        metadata = groups.get("metadata", ())
        self.objects = tuple(meaning.key for meaning in metadata if not meaning.how)
        """Keys of metadata that are whole objects."""
        prefixed = [(meaning.how, meaning.key) for meaning in metadata if meaning.how]
        self.inner = tuple((METADATA_FIELDS[name], key) for name, key in prefixed if name in METADATA_FIELDS)
        """Fields and keys, where a field of the conversation is under a prefix of metadata."""
        self.outer = tuple((name, key) for name, key in prefixed if name not in METADATA_FIELDS)
        """Names and keys of other metadata under a prefix."""

    def scalars(self, attributes: Attributes) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Return names and numbers, of each field the first that makes sense, and the keys that said so."""
        fields: dict[str, Any] = {}
        for field, reading, key in self._firsts:
            if (value := reading(attributes[key])) is None:
                return self._further(attributes)
            fields[field] = value
        return fields, self._took

    def _further(self, attributes: Attributes) -> tuple[dict[str, Any], Mapping[str, str]]:
        fields: dict[str, Any] = {}
        took: dict[str, str] = {}
        for field, reading, _ in self._firsts:
            for meaning in self.groups[field]:
                if (value := reading(attributes[meaning.key])) is not None:
                    fields[field] = value
                    took[field] = meaning.key
                    break
        return fields, MappingProxyType(took)


def _values_of(keys: tuple[str, ...]) -> Callable[[Attributes], tuple[Any, ...]]:
    if len(keys) > 1:
        return itemgetter(*keys)
    key = "".join(keys)
    return lambda attributes: (attributes[key],)
