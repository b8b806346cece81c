"""Logfire's SDK, as its documentation says: `@logfire.instrument`, `set_baggage()`, `instrument_openai()`."""

import os

import logfire
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from .plain import bare_client, turn

__all__ = ["turn"]


def set_up():
    """Let it make the provider; its own exporter needs an account, so another sends to the vendor's endpoint."""
    vendor = BatchSpanProcessor(OTLPSpanExporter(f"{os.environ['VENDOR']}/v1/traces"))
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[vendor])


def client():
    """The client, instrumented."""
    made = bare_client()
    logfire.instrument_openai(made)
    return made


def instrument_fastapi(app, provider):
    """Turn on its own choice of contrib's spans."""
    logfire.instrument_fastapi(app)


work = logfire.instrument("turn", extract_args=False)  # What is done once the conversation is named.


def naming(thread_id, user_id):
    """Name what is inside, under the name that it groups agent runs by: it scrubs `session.id`."""
    return logfire.set_baggage(**{"gen_ai.conversation.id": thread_id, "user.id": user_id})
