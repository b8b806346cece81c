"""Which tracer makes the spans of our decorators."""

from __future__ import annotations

import weakref
from typing import Any

from opentelemetry.trace import Tracer, TracerProvider, get_tracer_provider

from .genai import OWN_SCOPE

_chosen: weakref.ref[TracerProvider] | None = None
_cached: tuple[weakref.ref[Any], Tracer] | None = None


def choose(provider: TracerProvider | None) -> None:
    """Make the decorators' spans with `provider`; None goes back to the global one."""
    global _chosen, _cached
    _chosen = None if provider is None else weakref.ref(provider)
    _cached = None


def tracer() -> Tracer:
    """Return the tracer of the provider in use, whenever that was set."""
    global _cached
    provider = (_chosen() if _chosen is not None else None) or get_tracer_provider()
    if _cached is None or _cached[0]() is not provider:
        _cached = (weakref.ref(provider), provider.get_tracer(OWN_SCOPE))
    return _cached[1]
