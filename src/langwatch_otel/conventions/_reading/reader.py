"""One span in any vendor's spelling, read into ours."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ..._guard import swallowed
from ...identity import EMPTY, METADATA_FIELDS, Conversation
from ...privacy import utf8
from .._convention import Convention
from .content import content_of
from .keys import COMMON, COMMON_SCOPES, NEVER, Meaning, Meanings
from .messages import Message
from .scalars import READ, complete, usage_of
from .transcripts import Event, Log
from .values import MAX_ID, MAX_ITEMS, object_of, plain

_NO_KEYS: Mapping[str, str] = MappingProxyType({})

Groups = dict[str, list[Meaning]]


class Canonical(NamedTuple):
    """What one span says, in our spelling: an immutable value; what the span does not say is None or empty."""

    conversation: Conversation = EMPTY
    took: Mapping[str, str] = _NO_KEYS
    """From a field, as `thread_id`, `input` or `model`, to the key that it was taken from."""
    input_messages: tuple[Message, ...] = ()
    output_messages: tuple[Message, ...] = ()
    input: str | None = None
    """The text, where the input is not messages."""
    output: str | None = None
    model: str | None = None
    provider: str | None = None
    operation: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    tool_name: str | None = None
    span_type: str | None = None
    """In LangWatch's words: llm, chain, tool, agent, guardrail, evaluation, rag, workflow, ..."""


NOTHING = Canonical()

_CONTENT = frozenset({"input", "output", "transcript"})


class Reader:
    """Reads spans by a list of conventions; an earlier one goes first."""

    def __init__(self, conventions: Sequence[Convention]) -> None:
        self._common = Meanings(conventions).__getitem__
        self._others = Meanings(conventions, NEVER | COMMON).__getitem__

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
        took: dict[str, str] = {}
        fields: dict[str, Any] = {}
        try:
            meaning = self._common if scope_name in COMMON_SCOPES else self._others
            if groups := _groups(meaning, attributes):
                _read(groups, attributes, fields, took)
                _name(groups, attributes, fields, took)
            if resource and any(map(meaning, resource)):
                _below(_groups(meaning, resource), resource, fields, took)
            if "operation" in fields or "span_type" in fields:
                complete(fields, took, span_name)
            if events or logs or not _CONTENT.isdisjoint(groups):
                _say(groups, attributes, events, logs, fields, took)
        except Exception as error:  # Something of the caller's own making.
            swallowed("reading a span", error)
        return Canonical(took=MappingProxyType(took), **fields) if fields else NOTHING


def _groups(meaning: Callable[[str], Meaning | None], attributes: Mapping[str, Any]) -> Groups:
    groups: Groups = {}
    several = False
    for found in filter(None, map(meaning, attributes)):
        if (group := groups.get(found[0])) is None:
            groups[found[0]] = [found]
        else:
            group.append(found)
            several = True
    if several:
        for group in groups.values():
            group.sort(key=_rank)
    return groups


def _rank(meaning: Meaning) -> int:
    return meaning.rank


def _read(groups: Groups, attributes: Mapping[str, Any], fields: dict[str, Any], took: dict[str, str]) -> None:
    """Take the names and numbers of a span: of each field the first that makes sense."""
    for field, meanings in groups.items():
        if (read := READ.get(field)) is not None:
            for meaning in meanings:
                key = meaning[2]
                if (value := read(attributes[key])) is not None:
                    fields[field] = value
                    took[field] = key
                    break
    for meaning in groups.get("usage", ()):
        for field, count in usage_of(attributes[meaning.key]):
            if field not in fields:
                fields[field] = count
                took[field] = meaning.key


def _name(groups: Groups, attributes: Mapping[str, Any], fields: dict[str, Any], took: dict[str, str]) -> None:
    """Put the conversation's fields together, with those that are inside of metadata."""
    metadata: dict[str, Any] = {}
    if "metadata" in groups:
        for name, value, key in _metadata(groups["metadata"], attributes):
            if (field := METADATA_FIELDS.get(name)) is None:
                if len(metadata) < MAX_ITEMS:
                    metadata.setdefault(utf8(name[:MAX_ID]), plain(value))
            elif field not in fields and (named := READ[field](value)) is not None:
                fields[field] = named
                took[field] = key
    thread, user, customer = fields.pop("thread_id", None), fields.pop("user_id", None), fields.pop("customer_id", None)
    labels = fields.pop("labels", ())
    if thread or user or customer or labels or metadata:
        fields["conversation"] = Conversation(
            thread, user, customer, labels, MappingProxyType(metadata) if metadata else EMPTY.metadata
        )


def _below(groups: Groups, resource: Mapping[str, Any], fields: dict[str, Any], took: dict[str, str]) -> None:
    """Take what the span's own attributes leave open from its resource."""
    of_resource: dict[str, Any] = {}
    keys: dict[str, str] = {}
    _read(groups, resource, of_resource, keys)
    _name(groups, resource, of_resource, keys)
    if "conversation" in of_resource:
        fields["conversation"] = fields.get("conversation", EMPTY).over(of_resource["conversation"])
        for field in ("thread_id", "user_id", "customer_id", "labels"):
            if field in keys:
                took.setdefault(field, f"resource:{keys[field]}")


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


def _say(
    groups: Groups,
    attributes: Mapping[str, Any],
    events: Iterable[Event],
    logs: Iterable[Log],
    fields: dict[str, Any],
    took: dict[str, str],
) -> None:
    """Take what went in and what came out."""
    for name, content in zip(("input", "output"), content_of(groups, attributes, events, logs), strict=True):
        if content.messages:
            fields[f"{name}_messages"] = content.messages
        elif content.text:
            fields[name] = content.text
        if content:
            took[name] = content.took
