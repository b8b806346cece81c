"""One span in any vendor's spelling, read into ours."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..._guard import swallowed
from ...identity import METADATA_FIELDS, Conversation
from ...privacy import utf8
from .._convention import Convention
from .canonical_span import NOTHING, Canonical
from .content import said
from .keys import COMMON, COMMON_SCOPES, NAMING, NEVER, Meaning, Meanings
from .scalars import READ, complete, read
from .transcripts import Event, Log
from .values import MAX_ID, MAX_ITEMS, object_of, plain

Look = Callable[[str], Meaning | None]
Groups = dict[str, list[Meaning]]


MAX_REMEMBERED = 1024
"""Conversations that are remembered: most spans say no more than the one before them."""
MAX_REMEMBERED_TEXT = 512
"""Characters of one value that is remembered."""


class Reader:
    """Reads spans by a list of conventions; an earlier one goes first."""

    def __init__(self, conventions: Sequence[Convention]) -> None:
        self._common = Meanings(conventions).__getitem__
        self._others = Meanings(conventions, NEVER | COMMON).__getitem__
        self._remembered: dict[tuple[str, ...], Canonical] = {}
        self._mute: tuple[Mapping[str, Any] | None, int] = (None, 0)

    def canonical(
        self,
        attributes: Mapping[str, Any],
        *,
        scope_name: str = "",
        span_name: str = "",
        events: Iterable[Event] = (),
        resource: Mapping[str, Any] | None = None,
        logs: Iterable[Log] = (),
    ) -> Canonical:
        """Read a span of any vendor's spelling into ours.

        `attributes` and `resource` are as they come off OTLP or off a `ReadableSpan`; `events` are pairs of a name
        and attributes; `logs` are triples of an event name, a body and attributes, of the records that belong to the
        span. What several keys say differently is settled by the order that `keys.py` beside this gives, and `took`
        says which key it was. Ids are taken as they are; nothing of them is logged. Bad input never raises: it is
        read as far as it makes sense.
        """
        named = NOTHING
        facts: dict[str, Any] = {}
        took: dict[str, str] = {}
        try:
            meaning = self._common if scope_name in COMMON_SCOPES else self._others
            naming: list[Any] = []
            groups: Groups = {}
            for found in filter(None, map(meaning, attributes)):
                if found[0] in NAMING:
                    naming += (found[2], attributes[found[2]])
                else:
                    groups.setdefault(found[0], []).append(found)
            if naming:
                named = self._named(naming, meaning)
            if resource and not (resource is self._mute[0] and len(resource) == self._mute[1]):
                named = self._over(named, resource, meaning)
            if groups:
                for group in groups.values():
                    if len(group) > 1:
                        group.sort(key=_rank)
                read(groups, attributes, facts, took)
                complete(facts, took, span_name)
            if groups or events or logs:
                facts["said"] = said(groups, attributes, events, logs)
        except Exception as error:  # Something of the caller's own making.
            swallowed("reading a span", error)
        return Canonical(named.conversation, MappingProxyType({**named.keys, **took}), **facts) if facts else named

    def _named(self, naming: list[Any], meaning: Look) -> Canonical:
        """Return the conversation of keys and values, one after the other."""
        try:
            said = tuple(naming)
            # Only texts are remembered, so what is found is right: 1 and True are no text.
            if (known := self._remembered.get(said)) is not None:
                return known
        except TypeError:  # Lists have no hash.
            said = ()
        attributes = dict(zip(naming[::2], naming[1::2], strict=True))
        named = _conversation(attributes, meaning)
        if said and all(type(value) is str and len(value) <= MAX_REMEMBERED_TEXT for value in said):
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[said] = named
        return named

    def _over(self, named: Canonical, resource: Mapping[str, Any], meaning: Look) -> Canonical:
        """Take what the span's own attributes leave open from its resource."""
        below = _conversation(resource, meaning)
        if not below.conversation:
            # One object is the resource of many spans, and its keys, which are all that counts here, stay.
            self._mute = (resource, len(resource))
            return named
        took = {field: f"resource:{key}" for field, key in below.keys.items()}
        return Canonical(named.conversation.over(below.conversation), MappingProxyType({**took, **named.keys}))


def _rank(meaning: Meaning) -> int:
    return meaning.rank


def _conversation(attributes: Mapping[str, Any], meaning: Look) -> Canonical:
    """Return the conversation alone, with its fields that are inside of metadata."""
    groups: Groups = {}
    for found in sorted(filter(None, map(meaning, attributes)), key=_rank):
        if found.field in NAMING:
            groups.setdefault(found.field, []).append(found)
    fields: dict[str, Any] = {}
    took: dict[str, str] = {}
    read(groups, attributes, fields, took)
    metadata: dict[str, Any] = {}
    for name, value, key in _metadata(groups.get("metadata", ()), attributes):
        if (field := METADATA_FIELDS.get(name)) is None:
            if len(metadata) < MAX_ITEMS:
                metadata.setdefault(utf8(name[:MAX_ID]), plain(value))
        elif field not in fields and (inner := READ[field](value)) is not None:
            fields[field] = inner
            took[field] = key
    if metadata:
        fields["metadata"] = MappingProxyType(metadata)
    return Canonical(Conversation(**fields), MappingProxyType(took)) if fields else NOTHING


def _metadata(meanings: Sequence[Meaning], attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield names and values: of the JSON objects first, then of the keys under a prefix."""
    for meaning in meanings:
        if not meaning.how:
            for name, value in object_of(attributes[meaning.key]).items():
                if isinstance(name, str) and value is not None:
                    yield name, value, meaning.key
    for meaning in meanings:
        if meaning.how and (value := attributes[meaning.key]) is not None:
            yield meaning.how, value, meaning.key
