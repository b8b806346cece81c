"""One span in any vendor's spelling, read into ours."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..._guard import swallowed
from .._convention import Convention
from .canonical_span import NOTHING, Canonical
from .content import SILENCE, SILENT, Said, said
from .keys import COMMON, COMMON_SCOPES, NEVER, Meanings
from .plans import MAX_PLAN, MAX_PLANNED, Look, Names, Plan
from .remembered import Memory
from .scalars import EXECUTE_TOOL, NO_FACTS, tool_in
from .transcripts import Event, Log

MAX_PLANS = 1024
"""Sets of keys whose meaning is remembered: the spans of one place in a program have the same."""

Plans = dict[tuple[str, ...], Plan]


class Reader:
    """Reads spans by a list of conventions; an earlier one goes first."""

    def __init__(self, conventions: Sequence[Convention]) -> None:
        self._common: tuple[Look, Plans] = (Meanings(conventions).__getitem__, {})
        self._others: tuple[Look, Plans] = (Meanings(conventions, NEVER | COMMON).__getitem__, {})
        self._names: Names = {}
        self._memory = Memory()
        self._planned = 0
        self._mute: list[str] = []

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
                named = plan.names.read(attributes)
            if resource and [*resource] != self._mute:  # The keys of one before, which names nobody.
                named = self._over(named, resource, by[1].get(tuple(resource)) or self._plan(resource, by))
            told = SILENT
            content = plan.content
            if events or logs:
                told = said(content, attributes, events, logs)
            elif content is not None:
                told = Said(SILENCE, (content, content.values(attributes), (), ()))
            if told is not SILENT or plan.more:
                return _with_facts(named, told, plan, attributes, span_name)
        except Exception as error:  # Something of the caller's own making.
            swallowed("reading a span", error)
        return named

    def _plan(self, attributes: Mapping[str, Any], by: tuple[Look, Plans]) -> Plan:
        """Work out what the keys of `attributes` mean, and remember it."""
        meaning, plans = by
        keys = tuple(attributes)
        size = sum(len(key) if isinstance(key, str) else MAX_PLAN + 1 for key in keys)
        if size > MAX_PLAN:
            return Plan(keys, meaning, {}, Memory())
        self._planned += size
        if len(plans) >= MAX_PLANS or self._planned > MAX_PLANNED:
            for known in (self._common[1], self._others[1], self._names):
                known.clear()
            self._memory.drop()
            self._planned = size
        plan = plans[keys] = Plan(keys, meaning, self._names, self._memory)
        return plan

    def _over(self, named: Canonical, resource: Mapping[str, Any], plan: Plan) -> Canonical:
        """Take what the span's own attributes leave open from its resource."""
        if plan.names is None:
            self._mute = [*resource]
            return named
        below = plan.names.read(resource)
        if not below.conversation:
            return named
        took = MappingProxyType({field: f"resource:{key}" for field, key in below.took.items()})
        return Canonical(named.conversation.over(below.conversation), (took, *named.keys))


def _with_facts(named: Canonical, told: Said, plan: Plan, attributes: Mapping[str, Any], span_name: str) -> Canonical:
    conversation, keys = named.conversation, named.keys
    facts = plan.facts.read(attributes) if plan.facts is not None else NO_FACTS
    model, provider, operation, tool, kind, took = facts
    asked = answered = None
    if plan.counts is not None:
        asked, answered, counted = plan.counts.read(attributes)
        keys += (took, counted)
    elif plan.facts is not None:
        keys += (took,)
    if operation == EXECUTE_TOOL and tool is None:
        tool = tool_in(span_name)
    # What the class itself does, in half of the time.
    found = (conversation, keys, told, model, provider, operation, asked, answered, tool, kind)
    return tuple.__new__(Canonical, found)
