"""Sentry: its span processor, that makes Sentry's spans of OpenTelemetry's, and its propagator."""

from urllib.parse import urlsplit

import sentry_sdk
from model import answer, client
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from sentry_sdk.integrations.opentelemetry import SentryPropagator, SentrySpanProcessor


def set_up(endpoint):
    """Send to `endpoint` as to Sentry itself."""
    sentry_sdk.init(
        dsn=f"http://key@{urlsplit(endpoint).netloc}/1",
        traces_sample_rate=1.0,
        instrumenter="otel",
        default_integrations=False,
    )
    provider = trace.get_tracer_provider()
    if not hasattr(provider, "add_span_processor"):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SentrySpanProcessor())
    propagate.set_global_textmap(SentryPropagator())


def turn(said):
    """Return the answer, in a span as the instrumentations make them."""
    with trace.get_tracer("sentry").start_as_current_span("turn"):
        return answer(client(), said)


def turn_of(said, session):
    """Return the answer, the user told to Sentry, and the conversation to the span."""
    sentry_sdk.set_user({"id": session})
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": session}
    with trace.get_tracer("sentry").start_as_current_span("turn", attributes=attributes):
        return answer(client(), said)


def flush():
    """Send."""
    sentry_sdk.flush(30)
