"""Datadog: ddtrace's own provider in the place of OpenTelemetry's; its spans are sent to an agent."""

from model import answer, client
from opentelemetry import trace


def set_up(endpoint):
    """Send to an agent at `endpoint`; DD_TRACE_AGENT_URL says so too."""
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
