"""Datadog: ddtrace's own provider in the place of OpenTelemetry's, set by hand or as `ddtrace-run` does."""

import os

AUTO = os.environ.get("NEIGHBOURS_DDTRACE") == "auto"
if AUTO:
    import ddtrace.auto  # noqa: F401

from model import answer, client  # noqa: E402
from opentelemetry import trace  # noqa: E402


def set_up(endpoint):
    """Make it the global one; where it sends to is in the environment."""
    if not AUTO:
        from ddtrace.opentelemetry import TracerProvider

        trace.set_tracer_provider(TracerProvider())


def turn(said):
    """Return the answer, in a span of ddtrace's."""
    from ddtrace.trace import tracer

    with tracer.trace("turn"):
        return answer(client(), said)


def turn_of(said, session):
    """Return the answer, the session told in the words of ddtrace."""
    from ddtrace.trace import tracer

    with tracer.trace("turn") as span:
        span.set_tag("session.id", session)
        return answer(client(), said)


def flush():
    """Send."""
    from ddtrace.trace import tracer

    tracer.shutdown()
