"""What is in force: the provider with its exporters, the instrumentors, the propagators, the limits."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Any

from . import requests


def provider() -> dict[str, Any] | None:
    """Return what the tracer provider is made of; None where there is none."""
    found = requests.provider()
    if not hasattr(found, "add_span_processor"):
        return None
    multi = _multi(found)
    return {
        "type": _name(found),
        "concurrent": type(multi).__name__ == "ConcurrentMultiSpanProcessor",
        "sampler": found.sampler.get_description() if hasattr(found, "sampler") else "",
        "processors": [
            {"type": _name(each), "exporter": _name(exporter), "wrapped": _names_late(exporter_of(each))}
            if (exporter := _bare(each)) is not None
            else {"type": _name(each), "exporter": None, "wrapped": False}
            for each in processors(found)
        ],
    }


def processors(found: Any) -> list[Any]:
    """Return the span processors of a provider, without the doctor's own."""
    multi = _multi(found)
    return [each for each in getattr(multi, "_span_processors", ()) if "langwatch_otel_probe" not in _name(each)]


def _multi(found: Any) -> Any:
    """Return what holds the processors of a provider; Logfire's is a wrapper, and the SDK's own is its `provider`."""
    wrapped = getattr(found, "provider", None)
    return getattr(found, "_active_span_processor", None) or getattr(wrapped, "_active_span_processor", None)


def exporter_of(processor: Any) -> Any:
    """Return the exporter of one of the SDK's own processors, perhaps wrapped by us; else None."""
    batch = getattr(processor, "_batch_processor", None)
    return getattr(batch, "_exporter", None) or getattr(processor, "span_exporter", None)


def bare_exporters() -> list[Any]:
    """Return the exporters of the provider in force, out of our wrapping."""
    return [found for each in processors(requests.provider()) if (found := _bare(each)) is not None]


def _bare(processor: Any) -> Any:
    return bare(exporter_of(processor))


def bare(exporter: Any) -> Any:
    """Return `exporter` out of our wrapping."""
    while type(exporter).__name__ in ("ConversationSpanExporter", "LastResort", "ProcessExporter"):
        exporter = exporter.wrapped
    return exporter


def _names_late(exporter: Any) -> bool:
    return type(exporter).__name__ == "ConversationSpanExporter"


def _name(thing: Any) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def instrumentors() -> list[str]:
    """Return the names of the instrumentors that are on, by their entry points."""
    return sorted(point.name for point in entry_points(group="opentelemetry_instrumentor") if _is_on(point.value))


def _is_on(value: str) -> bool:
    module, _, name = value.partition(":")
    kind = getattr(sys.modules.get(module.strip()), name.strip(), None)
    # Not by making one: it is a singleton that forgets its state when it is made again.
    return bool(getattr(getattr(kind, "_instance", None), "_is_instrumented_by_opentelemetry", False))


def propagator() -> dict[str, Any]:
    """Return what the global propagator writes, and whether our border stands on top of it."""
    from opentelemetry import propagate

    found = propagate.get_global_textmap()
    fields = sorted(field.lower() for field in found.fields)
    return {"fields": fields, "border": type(found).__name__ == "ConversationPropagator"}


def limits() -> dict[str, Any]:
    """Return the limits of spans: the provider's, else those that the environment sets."""
    from opentelemetry.sdk.trace import SpanLimits

    found = getattr(requests.provider(), "_span_limits", None) or SpanLimits()
    return {"attributes": found.max_span_attributes, "length": found.max_span_attribute_length}
