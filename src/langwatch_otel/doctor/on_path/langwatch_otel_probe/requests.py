"""The requests that come while the doctor waits: how many, how many have a thread, and which sources gave it."""

from __future__ import annotations

import sys
import weakref
from typing import Any

seen: dict[str, Any] = {"requests": 0, "named": 0, "sources": {}}

_THREAD_KEYS = ("session.id", "gen_ai.conversation.id", "langwatch.thread.id")

_counted: weakref.WeakSet[Any] = weakref.WeakSet()
_sources: list[Any] = []


def provider() -> Any:
    """Return the tracer provider in force: the global one, else one that we were given; None where there is none."""
    found = getattr(sys.modules.get("opentelemetry.trace"), "_TRACER_PROVIDER", None)
    if hasattr(found, "add_span_processor"):
        return found
    providers = getattr(sys.modules.get("langwatch_otel.instrumentor"), "providers", list)
    return next(iter(providers()), found)


def are_wanted() -> bool:
    """Say whether there are sources that only a request can show to be right."""
    if not is_on():
        return False
    chosen = sys.modules["langwatch_otel.config"].active()
    return any(getattr(chosen, f"{field}_from", ()) for field in ("thread_id", "user_id", "customer_id"))


def is_on() -> bool:
    """Say whether the plugin is."""
    instrumentor = getattr(sys.modules.get("langwatch_otel.instrumentor"), "LangWatchInstrumentor", None)
    return instrumentor is not None and bool(instrumentor().is_instrumented_by_opentelemetry)


def count() -> None:
    """Count requests from now on, once there is something to count with."""
    found = provider()
    if hasattr(found, "add_span_processor") and found not in _counted:
        _counted.add(found)
        found.add_span_processor(_counter())
    watch = getattr(sys.modules.get("langwatch_otel.sources"), "watch", None)
    if watch is not None and not _sources:
        _sources.append(watch)
        watch(_asked)


def _asked(source: Any, gave: bool) -> None:
    tally = seen["sources"].setdefault(f"{source.kind}:{source.name}", [0, 0])
    tally[0] += 1
    tally[1] += gave


def _counter() -> Any:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import SpanKind

    class Counter(SpanProcessor):
        """Counts server spans that have ended."""

        def on_end(self, span: Any) -> None:
            if span.kind is SpanKind.SERVER:
                seen["requests"] += 1
                seen["named"] += any(key in (span.attributes or {}) for key in _THREAD_KEYS)

    return Counter()
