"""Traceloop: its SDK, `@workflow`, association properties, its instrumentation of OpenAI's client."""

from model import answer, client
from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import workflow
from traceloop.sdk.instruments import Instruments


def set_up(endpoint):
    """Send to `endpoint` as to Traceloop itself."""
    Traceloop.init(
        app_name="service",
        api_endpoint=endpoint,
        api_key="none",
        telemetry_enabled=False,
        instruments={Instruments.OPENAI},
    )


@workflow(name="turn")
def turn(said):
    """Return the answer."""
    return answer(client(), said)


def turn_of(said, session):
    """Return the answer, the session told to Traceloop."""
    Traceloop.set_association_properties({"session_id": session, "user_id": session})
    return turn(said)


def flush():
    """Send."""
    trace.get_tracer_provider().force_flush()
