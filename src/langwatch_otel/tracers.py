"""Which tracer makes the spans of our decorators."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from opentelemetry.trace import Tracer, TracerProvider, get_tracer_provider

from ._guard import guarded
from .genai import OWN_SCOPE

_chosen: weakref.ref[TracerProvider] | None = None
_cached: tuple[weakref.ref[Any], Tracer] | None = None
_flushing = threading.Lock()


def choose(provider: TracerProvider | None) -> None:
    """Make the decorators' spans with `provider`; None goes back to the global one."""
    global _chosen, _cached
    _chosen = None if provider is None else weakref.ref(provider)
    _cached = None


def tracer() -> Tracer:
    """Return the tracer of the provider in use, whenever that was set."""
    global _cached
    provider = _in_use() if _chosen is not None else get_tracer_provider()
    if _cached is None or _cached[0]() is not provider:
        _cached = (weakref.ref(provider), provider.get_tracer(OWN_SCOPE))
    return _cached[1]


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
