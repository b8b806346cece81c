"""OpenTelemetry's own baggage, set in the handler, and contrib's processor that copies it to spans."""

from contextlib import contextmanager

from opentelemetry import baggage, context, trace
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor

from . import plain
from .plain import client, turn

__all__ = ["client", "turn"]


def set_up():
    """Make the provider, with the processor."""
    plain.set_up()
    trace.get_tracer_provider().add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))


@contextmanager
def naming(thread_id, user_id):
    """Name what starts inside."""
    token = context.attach(baggage.set_baggage("user.id", user_id, baggage.set_baggage("session.id", thread_id)))
    try:
        yield
    finally:
        context.detach(token)
