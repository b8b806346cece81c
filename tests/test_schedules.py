"""Random schedules of scopes, spans, tasks, threads and generators, against a simple model."""

import asyncio
import os
from contextvars import Context

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.context import get_current
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import langwatch_otel as langwatch
from _schedule import STEPS, Schedule, parsed
from langwatch_otel.tracers import choose

QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("default schedules", max_examples=2000, derandomize=True, **QUIET)
settings.register_profile("many schedules", max_examples=int(os.environ.get("LANGWATCH_OTEL_EXAMPLES", "1")), **QUIET)
PROFILE = "many schedules" if "LANGWATCH_OTEL_EXAMPLES" in os.environ else "default schedules"

small = st.integers(0, 3)
schedules = st.lists(st.tuples(st.sampled_from(STEPS), small, small), min_size=12, max_size=60).map(parsed)


@pytest.fixture(scope="module")
def exporter():
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(langwatch.ConversationSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    choose(provider)
    exporter.tracer = provider.get_tracer("the application")
    yield exporter
    choose(None)
    provider.shutdown()


@pytest.mark.timeout(7200)
@settings(settings.get_profile(PROFILE))
@given(schedule=schedules)
def test_any_schedule_comes_to_what_the_model_says(exporter, schedule):
    """Every span has the thread of the model, none is lost, no context leaks, and each step sees its conversation."""
    exporter.clear()
    before = get_current()
    played = Schedule(exporter.tracer)
    Context().run(asyncio.run, played.play(schedule))
    found = [(span.name, span.attributes.get("session.id")) for span in exporter.get_finished_spans()]
    assert sorted(found) == sorted((span.name, span.thread) for span in played.spans)
    assert get_current() is before
