"""The border for baggage: conversation ids go to allowed destinations, and not one header further.

`ConversationPropagator` wraps the global propagator. On the way out it writes `session.id` and `user.id` for a
destination that is inside, known from the span of the call; on the way in it believes what is validated, weakly.
For the hooks of HTTP clients there are `allows(host, port)`, `strip(headers)` and `completed(headers)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableSequence, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry import propagate
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator, default_getter, default_setter

from . import config, context_baggage, counts
from ._guard import guarded, say_once, swallowed
from .context_baggage import ContextBaggage, baggage_key, hides_ours, own_baggage
from .finding import SCOPE_KEY, scope_in
from .getters import HearingGetter
from .identity import EMPTY
from .inbound import ARRIVAL_KEY, Arrival, conversation_in
from .open_span import open_span_in
from .outbound import allows as allows
from .outbound import calling, withheld_by_span
from .scope import Scope
from .wire import HEADER, KEYS, added, entry, ours_in, rewrite, without_ours

BAGGAGE_KEY = baggage_key()


class ByHand(str):
    """A baggage header that was written for a host that the application named."""

    __slots__ = ()


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
        return self.send(carrier, context, setter, withheld_by_span)

    def send(
        self, carrier: Any, context: Context, setter: Setter[Any], withheld: Callable[[Context], str | None]
    ) -> None:
        """Do what `inject` does, with the ids where `withheld` gives no reason, of the context, to hold them back."""
        entries: Sequence[str] = ()
        said = ""
        plain = Context()  # Where looking fails nothing goes out.
        try:
            plain = hides_ours(context)
            going = _entries(context)
            reason = withheld(context) if going else None
            # Who writes headers for a host by hand knows more than a span that names none, as gRPC's.
            if reason is not None and (reason == counts.HOST or not _is_by_hand(carrier)):
                counts.baggage_withheld[reason].add()
                going = ()
            said = _take_off(carrier, context)
            entries = going
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
        if not self._on:
            return self.wrapped.extract(carrier, context, getter)
        hearing = None if getter is default_getter else HearingGetter(getter)  # A mapping is cheaply asked twice.
        found = self.wrapped.extract(carrier, context, hearing or getter)
        try:
            headers = getter.get(carrier, HEADER) if hearing is None else hearing.baggage(carrier)
            return _received(found, get_current() if context is None else context, headers)
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
            whole = self.done = True
            with guarded("looking where baggage goes"):  # This runs in the application's own call.
                value, whole = added(value, self._entries)
            if not whole:
                counts.baggage_withheld[counts.NO_ROOM].add()
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


def _is_by_hand(carrier: Any) -> bool:
    """Say whether `carrier` has a header that was written for a host that is inside, and that is of our own type."""
    found: list[bool] = []

    def look(header: str) -> str:
        found.append(type(header) is ByHand)
        return header

    rewrite(carrier, look)
    return any(found)


def _take_off(carrier: Any, context: Context) -> str:
    """Take off what an earlier call, or another service's, left in `carrier`; return what its baggage says then."""
    if type(carrier) is dict and not carrier:
        return ""
    return rewrite(carrier, lambda header: without_ours(header, _own_entries(context)))


def _own_entries(context: Context) -> set[tuple[str, str]]:
    own = own_baggage(context)
    return {(key, str(own[key])) for key in KEYS if key in own}


def strip(headers: Any) -> None:
    """Take the ids of conversations off `headers`, in place: `session.id` and `user.id` in `baggage`; never raises.

    `headers` is a mutable mapping (of a client library too, with several values for a name) or a list of (name, value).
    Other entries stay, and so does what the application itself put into the baggage of the current context.
    """
    with guarded("taking ids off headers"):
        context, found = get_current(), []

        def without(header: str) -> str:
            left = without_ours(header, _own_entries(context))
            found.append(left != header)
            return left

        rewrite(headers, without)
        if any(found):
            counts.baggage_withheld[counts.HOST].add()


def completed(headers: Any) -> str | None:
    """Return what `baggage` in `headers` has to say where the call that is running goes inside; None if it says so.

    Only where the headers carry the id of the current CLIENT span: then its instrumentation injected into them, once
    for all steps of a redirect. Nothing is changed.
    """
    context = get_current()
    span_id = calling(context)
    entries = _entries(context) if span_id is not None else ()
    if span_id is None or not entries:
        return None
    said = rewrite(headers, lambda header: header)
    there = {key for key, _ in ours_in(said)} if said else ()
    missing = [text for text in entries if text.partition("=")[0] not in there]
    if not missing or not _injected_for(span_id, headers):
        return None
    header, _ = added(said, missing)
    return header if header != said else None


def _injected_for(span_id: str, headers: Any) -> bool:
    """Say whether the propagator wrote `headers` under the span of that id: `traceparent`, `b3` and others name it."""
    fields = {field.lower() for field in propagate.get_global_textmap().fields}
    for name, value in headers if isinstance(headers, MutableSequence) else headers.items():
        if any(text.lower() in fields for text in _texts(name)) and any(span_id in text for text in _texts(value)):
            return True
    return False


def _texts(headers: Iterable[Any]) -> list[str]:
    found = [headers] if isinstance(headers, (str, bytes)) else headers
    return [
        each if isinstance(each, str) else each.decode("latin-1") for each in found if isinstance(each, (str, bytes))
    ]


def _received(found: Context, before: Context, headers: Iterable[Any] | None) -> Context:
    """Return `found`, what the wrapped propagator read, as the context of a request with these baggage headers.

    Its ids are taken out of the baggage: only those that were there `before` are the application's own.
    """
    shown = context_baggage.is_shown()
    if shown and not headers and BAGGAGE_KEY not in found and found.get(SCOPE_KEY) is None:
        arrival = Arrival()  # Most requests: what follows comes to the same.
        return Context({**found, ARRIVAL_KEY: arrival, BAGGAGE_KEY: ContextBaggage({}, arrival)})
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
    if conversation is not EMPTY or (shown and not isinstance(found.get(SCOPE_KEY), Scope)):
        arrival = changed[ARRIVAL_KEY] = Arrival(conversation)
        if shown:
            changed[BAGGAGE_KEY] = ContextBaggage(own, arrival)
    elif ARRIVAL_KEY in found:
        changed[ARRIVAL_KEY] = None  # What an outer request brought is not this one's.
    return Context({**found, **changed}) if changed else found
