"""Which tracer makes the spans of our decorators."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from opentelemetry.context import Context, create_key, get_current
from opentelemetry.trace import Tracer, TracerProvider, get_tracer_provider

from ._fork import free_after_fork
from ._guard import guarded
from .genai import OWN_SCOPE

# The tracer of a block that was given a provider: what is made inside it stays with that provider.
TRACER_KEY = create_key("langwatch_otel.tracer")

_chosen: weakref.ref[TracerProvider] | None = None
_cached: tuple[weakref.ref[Any], Tracer] | None = None
_flushing = free_after_fork(threading.Lock())


def choose(provider: TracerProvider | None) -> None:
    """Make the decorators' spans with `provider`; None goes back to the global one."""
    global _chosen, _cached
    _chosen = None if provider is None else weakref.ref(provider)
    _cached = None


def renew() -> None:
    """Ask the provider in use for its tracer again."""
    global _cached
    _cached = None


def tracer(context: Context | None = None) -> Tracer:
    """Return the tracer of the block around, if that was given a provider, else of the provider in use."""
    global _cached
    given = (get_current() if context is None else context).get(TRACER_KEY)
    if given is not None and isinstance(given, Tracer):
        return given
    provider = _in_use() if _chosen is not None else get_tracer_provider()
    if (known := _cached) is None or known[0]() is not provider:
        known = _cached = (weakref.ref(provider), provider.get_tracer(OWN_SCOPE))
    return known[1]


def _in_use() -> TracerProvider:
    return (_chosen() if _chosen is not None else None) or get_tracer_provider()


def flush() -> None:
    """Begin to export what has ended, on a thread of its own: an event loop may be running on the caller's."""
    force_flush = getattr(_in_use(), "force_flush", None)
    # While one is under way the next is left out: the provider exports by itself, every few seconds.
    if force_flush is not None and not _flushing.locked():
        threading.Thread(target=_flush, args=(force_flush,), name="langwatch-otel-flush", daemon=True).start()


def _flush(force_flush: Any) -> None:
    with _flushing, guarded("sending spans"):
        force_flush()
