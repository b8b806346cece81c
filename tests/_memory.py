"""A provider that keeps nothing, and what this process holds."""

import gc
import resource
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from langwatch_otel import ConversationSpanExporter, LangWatchInstrumentor


class Nowhere(SpanExporter):
    """Let every span go."""

    def export(self, spans):
        return SpanExportResult.SUCCESS


@contextmanager
def tracing():
    """The tracer of a provider that keeps nothing."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ConversationSpanExporter(Nowhere())))
    token = attach(Context())
    LangWatchInstrumentor().instrument(tracer_provider=provider)
    yield provider.get_tracer("application")
    LangWatchInstrumentor().uninstrument()
    detach(token)
    provider.shutdown()


def kept():
    """Bytes that Python holds, after all that can be collected is."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


SIZES = [
    pytest.param(False, id="small"),
    pytest.param(True, id="large", marks=[pytest.mark.stress, pytest.mark.timeout(3600)]),
]


def growth(run, count):
    """What `count` more rounds add, in bytes that Python holds; the first rounds fill caches.

    The least of two measurements: what is kept for each round comes each time, and what another thread of this process
    keeps meanwhile, as one of a test before, does not.
    """
    run(max(50, count // 10))
    grown = []
    tracemalloc.start()
    try:
        for _ in range(2):
            before = kept()
            run(count)
            grown.append(kept() - before)
    finally:
        tracemalloc.stop()
    return min(grown)


def report(name, count, **figures):
    """Print what was measured; `-s` shows it."""
    print(f"\nMEMORY {name} {count}: " + ", ".join(f"{key} {value:,}" for key, value in figures.items()))
