"""Random schedules of scopes, spans, tasks, threads and generators, against a simple model."""

import asyncio
import os
from contextvars import Context

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.context import get_current

from _outlet import Outlet
from _schedule import Schedule
from _steps import IN_REQUEST, STEPS, parsed
from langwatch_otel.tracers import choose

QUIET = {"deadline": None, "report_multiple_bugs": False, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("default schedules", max_examples=2000, derandomize=True, **QUIET)
settings.register_profile("many schedules", max_examples=int(os.environ.get("LANGWATCH_OTEL_EXAMPLES", "1")), **QUIET)
PROFILE = "many schedules" if "LANGWATCH_OTEL_EXAMPLES" in os.environ else "default schedules"

small = st.integers(0, 3)


def steps(*of):
    return st.lists(st.tuples(st.sampled_from(of), small, small), min_size=12, max_size=60)


requests = steps(*IN_REQUEST).map(lambda steps: [("request", 0, 0, parsed(steps))])
endpoints = steps(*IN_REQUEST).map(lambda steps: [("request", 0, 0, [("framework", 0, 0, parsed(steps))])])


def flat(*names):
    return [(name, 0, 0, []) for name in names]


# Hypothesis seldom comes upon these: two jobs of one thread in one request, and a dependency that runs in a thread.
DEPENDENCY = [("thread", 0, 0, [("framework", 0, 0, flat("leaf"))]), *flat("pause", "converse", "batch")]
JOBS = [("thread", 0, 0, flat("converse")), *flat("pause"), ("thread", 0, 0, flat("leaf")), *flat("pause", "batch")]

schedules = st.one_of(steps(*STEPS).map(parsed), requests, endpoints)


@pytest.fixture(scope="module")
def outlet():
    outlet = Outlet()
    choose(outlet.provider)
    yield outlet
    choose(None)
    outlet.provider.shutdown()


@pytest.mark.timeout(7200)
@settings(settings.get_profile(PROFILE))
@given(schedule=schedules)
@example(schedule=[("request", 0, 0, JOBS)])
@example(schedule=[("request", 0, 0, DEPENDENCY)])
def test_any_schedule_comes_to_what_the_model_says(outlet, schedule):
    """Every span has a thread that the model allows, none is lost, no context leaks, steps see their conversation."""
    outlet.clear()
    before = get_current()
    Context().run(asyncio.run, Schedule(outlet).play(schedule))
    assert get_current() is before
