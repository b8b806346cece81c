"""PostHog's span processor on a provider of OpenTelemetry."""

import os

from opentelemetry import trace
from posthog.ai.otel import PostHogSpanProcessor

from . import plain
from .plain import client

__all__ = ["client"]


def set_up():
    """Make the provider, with the processor."""
    plain.set_up()
    trace.get_tracer_provider().add_span_processor(PostHogSpanProcessor(api_key="none", host=os.environ["VENDOR"]))
