"""Where the border stands: around the global propagator, the one there is and those set later."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Any

from opentelemetry import propagate
from opentelemetry.context import get_current
from opentelemetry.propagators.textmap import Setter, TextMapPropagator, default_setter

from . import config, context_baggage, counts
from ._guard import guarded
from ._setter import SetterHook
from .hosts import destination_of
from .outbound import allows
from .propagation import ByHand, ConversationPropagator
from .wire import HEADER

_border: ConversationPropagator | None = None
_on = False


def on() -> None:
    """Put the border around the global propagator, the one there is and those set later, where it speaks baggage."""
    global _on
    _on = True
    _later.on()
    cover()
    context_baggage.show(_keeps_in if config.active().baggage_in_context else None)


def off() -> None:
    """Take the border away; where somebody wrapped it in turn it stays below, and does nothing."""
    global _on, _border
    _on = False
    context_baggage.show(None)
    _later.off()
    border, _border = _border, None
    if border is not None:
        border.switch(False)
        if propagate.get_global_textmap() is border:
            propagate.set_global_textmap(border.wrapped)


def cover() -> None:
    """Put the border on top again, where another propagator was set since."""
    global _border
    current = propagate.get_global_textmap()
    if not _on or current is _border or not _speaks_baggage(current):
        return
    if _border is not None:
        _border.switch(False)  # It may be inside the new one: there is one border.
    _border = ConversationPropagator(current)
    (_later.original or propagate.set_global_textmap)(_border)


def stands() -> bool:
    """Say whether there is a border: without it no id goes out, and nobody's headers are looked at."""
    return _border is not None


def is_in_force() -> bool:
    """Say whether the border is what headers are written by: nobody has set another propagator since."""
    return _border is not None and propagate.get_global_textmap() is _border


def _speaks_baggage(propagator: TextMapPropagator) -> bool:
    with guarded("asking a propagator what it writes"):
        return HEADER in {field.lower() for field in propagator.fields}
    return False


def _keeps_in() -> bool:
    """Say whether the border stands on top: only then nothing that is in a context goes to strangers."""
    if propagate.get_global_textmap() is _border:
        return True
    cover()  # It was set by a function that was imported before our hook was there.
    return is_in_force()


_later = SetterHook(propagate, "set_global_textmap", lambda *_, **__: cover())


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
        reason = counts.UNKNOWN if found is None else None if allows(*found) else counts.HOST
        setter = _ByHand(setter) if reason is None else setter
        return border.send(headers, get_current(), setter, lambda _: reason)


class _ByHand(Setter[Any]):
    def __init__(self, setter: Setter[Any]) -> None:
        self._setter = setter

    def set(self, carrier: Any, key: str, value: str) -> None:
        self._setter.set(carrier, key, ByHand(value) if key.lower() == HEADER else value)


class _Appending(Setter[Any]):
    def set(self, carrier: Any, key: str, value: str) -> None:
        carrier[:] = [pair for pair in carrier if pair[0].lower() != key]
        carrier.append((key, value))


_APPENDS = _Appending()
