"""One span in any vendor's spelling, read into ours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..._guard import swallowed
from ...identity import METADATA_FIELDS, Conversation
from ...privacy import utf8
from .._convention import Convention
from .canonical_span import NOTHING, Canonical
from .content import SILENT, Said, said
from .keys import COMMON, COMMON_SCOPES, NEVER, Meanings
from .plans import MAX_PLAN, Known, Look, Part, Plan
from .scalars import EXECUTE_TOOL, READ, counts_of, facts_of, read, tool_in
from .transcripts import Event, Log
from .values import MAX_ID, MAX_ITEMS, may_be_large, object_of, plain

MAX_PLANS = 1024
"""Sets of keys whose meaning is remembered: the spans of one place in a program have the same."""
MAX_REMEMBERED = 1024
"""Conversations and the like that are remembered: most spans say no more than one before them."""

Plans = dict[tuple[str, ...], Plan]
Reading = Callable[[Part, Mapping[str, Any]], Canonical]


class Reader:
    """Reads spans by a list of conventions; an earlier one goes first."""

    def __init__(self, conventions: Sequence[Convention]) -> None:
        self._common: tuple[Look, Plans] = (Meanings(conventions).__getitem__, {})
        self._others: tuple[Look, Plans] = (Meanings(conventions, NEVER | COMMON).__getitem__, {})
        self._names: dict[tuple[str, ...], Known] = {}
        self._remembered = 0
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
        try:
            by = self._common if scope_name in COMMON_SCOPES else self._others
            plan = by[1].get(tuple(attributes)) or self._plan(attributes, by)
            if plan.names is not None:
                named = self._once(plan.names, conversation_of, attributes)
            if resource and not (resource is self._mute[0] and len(resource) == self._mute[1]):
                named = self._over(named, resource, by[1].get(tuple(resource)) or self._plan(resource, by))
            told = SILENT
            if (content := plan.content) is not None:
                told = said(content.groups, content.keys, content.get(attributes), events, logs)
            elif events or logs:
                told = said({}, (), (), events, logs)
            if told is not SILENT or plan.facts is not None or plan.counts:
                return self._with_facts(named, told, plan, attributes, span_name)
        except Exception as error:  # Something of the caller's own making.
            swallowed("reading a span", error)
        return named

    def _plan(self, attributes: Mapping[str, Any], by: tuple[Look, Plans]) -> Plan:
        """Work out what the keys of `attributes` mean, and remember it."""
        meaning, plans = by
        keys = tuple(attributes)
        if sum(len(key) for key in keys if isinstance(key, str)) > MAX_PLAN:
            return Plan(keys, meaning, {})
        if len(plans) >= MAX_PLANS:
            plans.clear()
            self._names.clear()
        plan = plans[keys] = Plan(keys, meaning, self._names)
        return plan

    def _forget(self) -> None:
        """Keep what keys mean, which many spans share, and nothing of what their values said."""
        self._remembered = 0
        for _, plans in (self._common, self._others):
            for plan in tuple(plans.values()):
                plan.forget()

    def _once(self, part: Part, reading: Reading, attributes: Mapping[str, Any]) -> Canonical:
        """Return what `reading` makes of `part`, of the same values once."""
        known = part.known
        if known is None:
            return reading(part, attributes)
        values = part.values(attributes)
        try:
            found = known.get(values)
        except TypeError:  # Lists have no hash.
            values, found = part.listed(attributes), None
        if found is None:
            found = reading(part, attributes)
            if part.may_keep(values):
                self._remembered += 1
                if self._remembered > MAX_REMEMBERED:
                    self._forget()
                known[values] = found
        return found

    def _over(self, named: Canonical, resource: Mapping[str, Any], plan: Plan) -> Canonical:
        """Take what the span's own attributes leave open from its resource."""
        below = self._once(plan.names, conversation_of, resource) if plan.names is not None else NOTHING
        if not below.conversation:
            # One object is the resource of many spans, and its keys, which are all that counts here, stay.
            self._mute = (resource, len(resource))
            return named
        took = MappingProxyType({field: f"resource:{key}" for field, key in below.took.items()})
        return Canonical(named.conversation.over(below.conversation), (took, *named.keys))

    def _with_facts(
        self, named: Canonical, told: Said, plan: Plan, attributes: Mapping[str, Any], span_name: str
    ) -> Canonical:
        facts, keys = NOTHING, named.keys
        asked = answered = None
        if plan.facts is not None:
            facts = self._once(plan.facts, facts_of, attributes)
            keys += facts.keys
        if plan.counts:
            asked, answered, counted = counts_of(plan, attributes)
            keys += (counted,)
        _, _, _, model, provider, operation, _, _, tool, kind = facts
        if tool is None and operation == EXECUTE_TOOL:
            tool = tool_in(span_name)
        # What the class itself does, in half of the time.
        found = (named.conversation, keys, told, model, provider, operation, asked, answered, tool, kind)
        return tuple.__new__(Canonical, found)


def conversation_of(part: Part, attributes: Mapping[str, Any]) -> Canonical:
    """Return the conversation alone, with its fields that are inside of metadata."""
    fields: dict[str, Any] = {}
    took: dict[str, str] = {}
    read(part.groups, attributes, fields, took)
    metadata: dict[str, Any] = {}
    for meaning in part.groups.get("metadata", ()):
        if meaning.how:
            continue
        told = attributes[meaning.key]
        kept = plain if may_be_large(told) else _itself
        for name, value in object_of(told).items():
            if name not in METADATA_FIELDS:
                if name not in metadata and value is not None and isinstance(name, str) and len(metadata) < MAX_ITEMS:
                    metadata.setdefault(utf8(name[:MAX_ID]), kept(value))
            elif (field := METADATA_FIELDS[name]) not in fields and (inner := READ[field](value)) is not None:
                fields[field] = inner
                took[field] = meaning.key
    for field, key in part.inner:
        if field not in fields and (inner := READ[field](attributes[key])) is not None:
            fields[field] = inner
            took[field] = key
    for name, key in part.outer[: MAX_ITEMS - len(metadata)]:
        value = attributes[key]
        if value is not None and name not in metadata:
            metadata[name] = value if type(value) is str and value.isascii() and len(value) <= MAX_ID else plain(value)
    if metadata:
        fields["metadata"] = MappingProxyType(metadata)
    return Canonical(Conversation(**fields), (MappingProxyType(took),)) if fields else NOTHING


def _itself(value: Any) -> Any:
    return value
