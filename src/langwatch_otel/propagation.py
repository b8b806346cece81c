"""The border for baggage: conversation ids go to allowed destinations, and not one header further.

`ConversationPropagator` wraps the global propagator. On the way out it writes `session.id` and `user.id` for a
destination that is inside, known from the span of the call; on the way in it believes what is validated, weakly.
For the hooks of HTTP clients there are `allows(host, port)` and `strip(headers)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator, default_getter, default_setter
from opentelemetry.trace import SpanKind

from . import config, context_baggage
from ._guard import guarded, say_once, swallowed
from .context_baggage import ContextBaggage, baggage_key, hides_ours, own_baggage
from .finding import SCOPE_KEY, scope_in
from .hosts import Destinations, destination_of
from .identity import EMPTY
from .inbound import ARRIVAL_KEY, Arrival, conversation_in
from .open_span import SPAN_KEY, open_span_in
from .scope import Scope
from .stamping import attributes_of
from .wire import HEADER, KEYS, added, entry, rewrite, without_ours

BAGGAGE_KEY = baggage_key()

# Where spans of clients say whom they call: today's names and yesterday's.
_URLS = ("url.full", "http.url")
_BROKERS = "messaging.url"
_HOSTS = (("server.address", "server.port"), ("net.peer.name", "net.peer.port"))


# Of several brokers, JSON: ["one:9092", "two:9092"].
_BETWEEN_BROKERS = re.compile(r"[\s,;\[\]\"']+")


class ConversationPropagator(TextMapPropagator):
    """Wrap a propagator that speaks baggage, so that ids cross process boundaries inside only.

    Switched off it does what the wrapped one does. What the application itself put into baggage, other entries
    and what other propagators write are left as they are.
    """

    def __init__(self, wrapped: TextMapPropagator) -> None:
        self.wrapped = wrapped
        self._on = True

    def switch(self, on: bool) -> None:
        """Keep the border from now on, or no more."""
        self._on = on

    @property
    def fields(self) -> set[str]:
        return self.wrapped.fields

    def inject(self, carrier: Any, context: Context | None = None, setter: Setter[Any] = default_setter) -> None:
        if not self._on:
            return self.wrapped.inject(carrier, context, setter)
        context = get_current() if context is None else context
        return self.send(carrier, context, setter, _is_allowed_by_span)

    def send(self, carrier: Any, context: Context, setter: Setter[Any], is_allowed: Callable[[Context], bool]) -> None:
        """Do what `inject` does, with the ids where `is_allowed` says so of the context."""
        entries: Sequence[str] = ()
        said = ""
        plain = Context()  # Where looking fails nothing goes out.
        try:
            plain = hides_ours(context)
            said = _take_off(carrier, context)
            entries = _entries(context)
            if entries and not is_allowed(context):
                entries = ()
        except Exception as error:
            swallowed("looking where baggage goes", error)
        if not entries:
            return self.wrapped.inject(carrier, plain, setter)
        adding = _Adding(setter, entries)
        self.wrapped.inject(carrier, plain, adding)
        if not adding.done:
            if said:  # A header that the application wrote by hand.
                rewrite(carrier, lambda _: "")
            adding.set(carrier, HEADER, said)
        return None

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        found = self.wrapped.extract(carrier, context, getter)
        if not self._on:
            return found
        try:
            before = get_current() if context is None else context
            return _received(found, before, getter.get(carrier, HEADER))
        except Exception as error:
            swallowed("reading baggage", error)
            return found


class _Adding(Setter[Any]):
    """Sets what the wrapped propagator sets, and our entries after the baggage."""

    def __init__(self, setter: Setter[Any], entries: Sequence[str]) -> None:
        self._setter = setter
        self._entries = entries
        self.done = False

    def set(self, carrier: Any, key: str, value: str) -> None:
        if key.lower() == HEADER:
            value, whole = added(value, self._entries)
            self.done = True
            if not whole:
                say_once("other baggage leaves no room for the ids of the conversation: they stay out")
            if not value:
                return
        self._setter.set(carrier, key, value)


def _entries(context: Context) -> Sequence[str]:
    """Return what `context` belongs to as entries, but for what the application says itself."""
    scope = scope_in(context, open_span_in(context))
    if scope is None or (conversation := scope.in_force()) is EMPTY:
        return ()
    encoded = _encoded(conversation.thread_id, conversation.user_id)
    own = own_baggage(context)
    return tuple(text for key, text in encoded.items() if key not in own)


@lru_cache(1024)
def _encoded(*ids: str | None) -> dict[str, str]:
    return {key: entry(key, value) for key, value in zip(KEYS, ids, strict=True) if value is not None}


def _take_off(carrier: Any, context: Context) -> str:
    """Take off what an earlier call, or another service's, left in `carrier`; return what its baggage says then."""
    if type(carrier) is dict and not carrier:
        return ""
    return rewrite(carrier, lambda header: without_ours(header, _own_entries(context)))


def _own_entries(context: Context) -> set[tuple[str, str]]:
    own = own_baggage(context)
    return {(key, str(own[key])) for key in KEYS if key in own}


def _is_allowed_by_span(context: Context) -> bool:
    """Say whether the call that the span of `context` stands for goes to where ids may go."""
    span: Any = context.get(SPAN_KEY)
    kind = getattr(span, "kind", None)
    # Any other kind of span carries the address of this process, or none.
    if kind is not SpanKind.CLIENT and kind is not SpanKind.PRODUCER:
        return False
    if not span.get_span_context().trace_flags.sampled:
        return False
    attributes = attributes_of(span)
    named = False
    for host, port in _destinations(attributes):
        if host is None or not allows(host, port):
            return False
        named = True
    return named or (kind is SpanKind.PRODUCER and not _is_nowhere())


def _destinations(attributes: Any) -> Iterable[tuple[str | None, int | None]]:
    """Yield every host that the attributes of a client's span name; they may differ, and then all count."""
    for key in _URLS:
        if (url := attributes.get(key)) is not None:
            yield destination_of(str(url)) or (None, None)
    for broker in _BETWEEN_BROKERS.split(str(attributes[_BROKERS])) if _BROKERS in attributes else ():
        if broker:
            yield (destination_of(broker) or (None, None)) if "://" in broker else (broker, None)
    for key, port_key in _HOSTS:
        if (host := attributes.get(key)) is not None:
            port = attributes.get(port_key)
            yield str(host), port if isinstance(port, int) else None


@lru_cache(8)
def _inside(patterns: tuple[str, ...]) -> Destinations:
    return Destinations(patterns)


def _is_nowhere() -> bool:
    return config.active().outbound_hosts == ("none",)


def allows(host: str, port: int | None = None) -> bool:
    """Say whether ids may go to `host` at `port`, under the setting `outbound_hosts`; never raises.

    `host` is a name or an address, perhaps with brackets or `:port`. What cannot be read as one host is not allowed.
    Where a client follows a redirect by itself, ask this for the new destination; `strip` the headers if it says no.
    """
    try:
        return _inside(config.active().outbound_hosts).allows(host, port)
    except Exception as error:
        swallowed("looking whether a host is inside", error)
        return False


def strip(headers: Any) -> None:
    """Take the ids of conversations off `headers`, in place: `session.id` and `user.id` in `baggage`; never raises.

    `headers` is a mutable mapping (of a client library too, with several values for a name) or a list of (name, value).
    Other entries stay, and so does what the application itself put into the baggage of the current context.
    """
    with guarded("taking ids off headers"):
        _take_off(headers, get_current())


def _texts(headers: Iterable[Any]) -> list[str]:
    found = [headers] if isinstance(headers, (str, bytes)) else headers
    return [
        each if isinstance(each, str) else each.decode("latin-1") for each in found if isinstance(each, (str, bytes))
    ]


def _received(found: Context, before: Context, headers: Iterable[Any] | None) -> Context:
    """Return `found`, what the wrapped propagator read, as the context of a request with these baggage headers.

    Its ids are taken out of the baggage: only those that were there `before` are the application's own.
    """
    changed: dict[str, object] = {}
    own = own_baggage(found) if BAGGAGE_KEY in found else {}
    had: dict[str, object] | None = None
    for key in KEYS if own else ():
        if key in own:
            had = own_baggage(before) if had is None and BAGGAGE_KEY in before else had or {}
            if own[key] is not had.get(key):
                del own[key]
                own.update({key: had[key]} if key in had else {})
                changed[BAGGAGE_KEY] = own
    conversation = EMPTY
    if headers and config.active().inbound == "accept":
        conversation = conversation_in(_texts(headers))
    shown = context_baggage.is_shown()
    if conversation is not EMPTY or (shown and not isinstance(found.get(SCOPE_KEY), Scope)):
        arrival = changed[ARRIVAL_KEY] = Arrival(conversation)
        if shown:
            changed[BAGGAGE_KEY] = ContextBaggage(own, arrival)
    elif ARRIVAL_KEY in found:
        changed[ARRIVAL_KEY] = None  # What an outer request brought is not this one's.
    return Context({**found, **changed}) if changed else found
