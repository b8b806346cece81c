"""The border for baggage: conversation ids go to allowed destinations, and not one header further.

`ConversationPropagator` wraps the global propagator. On the way out it writes `session.id` and `user.id` for a
destination that is inside, known from the span of the call; on the way in it believes what is validated, weakly.
For the hooks of HTTP clients there are `allows(host, port)` and `strip(headers)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableSequence
from functools import lru_cache
from typing import Any

from opentelemetry import propagate
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator, default_getter, default_setter
from opentelemetry.trace import SpanKind

from . import config, context_baggage
from ._guard import guarded, say_once, swallowed
from .context_baggage import BAGGAGE_KEY, hides_ours, own_baggage, showing
from .hosts import Destinations, destination_of
from .identity import EMPTY
from .inbound import ARRIVAL_KEY, Arrival, arrival_in, conversation_in
from .naming import scope_in
from .open_span import SPAN_KEY, open_span_in
from .wire import HEADER, KEYS, added, entry, rewrite, without_ours

# Where spans of clients say whom they call: today's names and yesterday's.
_URLS = ("url.full", "http.url")
_HOSTS = (("server.address", "server.port"), ("net.peer.name", "net.peer.port"))


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
        entries: list[str] = []
        said = ""
        plain = context
        try:
            plain = hides_ours(context)
            said = _take_off(carrier, context)
            entries = _entries(context) if is_allowed(context) else []
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
            return _received(_without_inbound(found, before), getter.get(carrier, HEADER))
        except Exception as error:
            swallowed("reading baggage", error)
            return found


class _Adding(Setter[Any]):
    """Sets what the wrapped propagator sets, and our entries after the baggage."""

    def __init__(self, setter: Setter[Any], entries: list[str]) -> None:
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


def _entries(context: Context) -> list[str]:
    """Return what `context` belongs to as entries, but for what the application says itself."""
    scope = scope_in(context, open_span_in(context))
    if scope is None or (conversation := scope.in_force()) is EMPTY:
        return []
    own: Any = context.get(BAGGAGE_KEY)
    own = own_baggage(context) if own else ()
    ids = zip(KEYS, (conversation.thread_id, conversation.user_id), strict=True)
    return [entry(key, value) for key, value in ids if value is not None and key not in own]


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
    attributes = span.attributes or {}
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


def inject(headers: Any, host: str | None = None) -> None:
    """Write into `headers` what goes to another service: trace context, baggage, and the ids where they may go.

    For clients without instrumentation: `host` is where the call goes, as a name, `name:port` or a URL. Without it
    the current span says where, as for an instrumented client. Never raises; sampling does not matter where the
    host is given. `headers` is a mutable mapping or a list of (name, value), such as gRPC's metadata.
    """
    with guarded("injecting by hand"):
        setter: Setter[Any] = _APPENDS if isinstance(headers, MutableSequence) else default_setter
        border = _border
        if border is None or host is None:
            return propagate.inject(headers, setter=setter)
        found = destination_of(host) if "://" in host else (host, None)
        allowed = found is not None and allows(*found)
        return border.send(headers, get_current(), setter, lambda _: allowed)


class _Appending(Setter[Any]):
    def set(self, carrier: Any, key: str, value: str) -> None:
        carrier[:] = [pair for pair in carrier if pair[0].lower() != key]
        carrier.append((key, value))


_APPENDS = _Appending()


def _without_inbound(found: Context, before: Context) -> Context:
    """Return `found` without the ids that were not in the baggage `before`: they did not come by the application."""
    baggage = found.get(BAGGAGE_KEY)
    if not isinstance(baggage, dict) or not baggage:
        return found
    own = own_baggage(found)
    had = own_baggage(before)
    came = [key for key in KEYS if key in own and own[key] is not had.get(key)]
    if not came:
        return found
    for key in came:
        del own[key]
        if key in had:
            own[key] = had[key]
    return Context({**found, BAGGAGE_KEY: own})


def _received(context: Context, headers: Iterable[Any] | None) -> Context:
    """Return `context` as that of a request that came in with these baggage headers."""
    conversation = EMPTY
    if headers and config.active().inbound == "accept":
        texts = [each if isinstance(each, str) else bytes(each).decode("latin-1") for each in headers]
        conversation = conversation_in(texts)
    if conversation is EMPTY and not context_baggage.is_shown():
        # What an outer request brought is not this one's.
        return context if arrival_in(context) is None else Context({**context, ARRIVAL_KEY: None})
    arrival = Arrival(conversation)
    return showing(Context({**context, ARRIVAL_KEY: arrival}), arrival)


_border: ConversationPropagator | None = None
_SETTER = "set_global_textmap"
_original: Callable[..., None] | None = None
_hook: Callable[..., None] | None = None
_on = False


def on() -> None:
    """Put the border around the global propagator, the one there is and those set later, where it speaks baggage."""
    global _on
    _on = True
    _watch()
    cover()
    context_baggage.show(_keeps_in if config.active().baggage_in_context else None)


def off() -> None:
    """Take the border away; where somebody wrapped it in turn it stays below, and does nothing."""
    global _on, _border
    _on = False
    context_baggage.show(None)
    _unwatch()
    border, _border = _border, None
    if border is not None:
        border.switch(False)
        if propagate.get_global_textmap() is border:
            propagate.set_global_textmap(border.wrapped)


def cover() -> None:
    """Put the border on top again, where another propagator was set since."""
    global _border
    current = propagate.get_global_textmap()
    if not _on or current is _border or HEADER not in {field.lower() for field in current.fields}:
        return
    if _border is not None:
        _border.switch(False)  # It may be inside the new one: there is one border.
    _border = ConversationPropagator(current)
    (_original or propagate.set_global_textmap)(_border)


def _keeps_in() -> bool:
    """Say whether the border stands on top: only then nothing that is in a context goes to strangers."""
    if propagate.get_global_textmap() is not _border:
        cover()  # It was set by a function that was imported before our hook was there.
    return _border is not None and propagate.get_global_textmap() is _border


def _watch() -> None:
    """Hear of a global propagator that is set later."""
    global _original, _hook
    if _original is not None:
        return
    original: Callable[..., None] = getattr(propagate, _SETTER)

    def set_and_cover(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        with guarded("putting the border around a propagator that was set later"):
            cover()

    _original, _hook = original, set_and_cover
    setattr(propagate, _SETTER, set_and_cover)


def _unwatch() -> None:
    global _original
    if _original is not None and getattr(propagate, _SETTER) is _hook:
        setattr(propagate, _SETTER, _original)
        _original = None
