"""Whose a span is: thread, user, customer, labels and metadata, also from inside of metadata."""

from types import MappingProxyType
from typing import Any

from ...identity import EMPTY, METADATA_FIELDS, Conversation
from ...privacy import utf8
from .canonical_span import NOTHING, Canonical
from .grouped import READ, Attributes, Grouped
from .values import MAX_ID, MAX_ITEMS, may_be_large, object_of, plain

_NOTHING_MORE = NOTHING[2:]


def conversation_of(part: Grouped, attributes: Attributes) -> Canonical:
    """Return the conversation alone, with its fields that are inside of metadata."""
    fields, took = part.scalars(attributes)
    metadata: dict[str, Any] = {}
    within: dict[str, str] = {}
    for key in part.objects:
        for name, value in _metadata_of(attributes[key], metadata):
            field = METADATA_FIELDS[name]
            if field not in fields and (inner := READ[field](value)) is not None:
                fields[field] = inner
                within[field] = key
    for field, key in part.inner:
        if field not in fields and (inner := READ[field](attributes[key])) is not None:
            fields[field] = inner
            within[field] = key
    for name, key in part.outer[: MAX_ITEMS - len(metadata)]:
        value = attributes[key]
        if value is not None and name not in metadata:
            metadata[name] = value if type(value) is str and value.isascii() and len(value) <= MAX_ID else plain(value)
    if not fields and not metadata:
        return NOTHING
    if within:
        took = MappingProxyType({**took, **within})
    of = fields.get
    rest = MappingProxyType(metadata) if metadata else EMPTY.metadata
    # What the classes themselves do, in half of the time.
    named = tuple.__new__(Conversation, (of("thread_id"), of("user_id"), of("customer_id"), of("labels", ()), rest))
    return tuple.__new__(Canonical, (named, (took,), *_NOTHING_MORE))


def is_changeable(found: Canonical) -> bool:
    """Say whether there are lists or objects in the metadata."""
    return any(isinstance(value, (list, dict)) for value in found.conversation.metadata.values())


def _metadata_of(told: Any, metadata: dict[str, Any]) -> list[tuple[str, Any]]:
    """Put what `told` says into `metadata`, where it is not yet; return what are fields of a conversation instead."""
    found = object_of(told)
    if not metadata and not may_be_large(told):
        metadata.update(found)
        if None in found.values():
            for name in [name for name, value in found.items() if value is None]:
                del metadata[name]
        return [(name, metadata.pop(name)) for name in METADATA_FIELDS if name in metadata]
    for name, value in found.items():
        if value is None or not isinstance(name, str) or name in METADATA_FIELDS:
            continue
        if name not in metadata and len(metadata) < MAX_ITEMS:
            metadata.setdefault(utf8(name[:MAX_ID]), plain(value))
    return [(name, found[name]) for name in METADATA_FIELDS if name in found]
