"""OpenInference, as its documentation says: `using_attributes()`, its tracer's decorator, its own instrumentation."""

import os

from openinference.instrumentation import OITracer, TraceConfig, using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from . import plain


def set_up():
    """Make a provider that exports to the vendor, and instrument the client's library."""
    plain.set_up()
    provider = trace.get_tracer_provider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{os.environ['VENDOR']}/v1/traces")))
    OpenAIInstrumentor().instrument(tracer_provider=provider)


client, turn = plain.bare_client, plain.turn


def work(function):
    """Make a span of what is done once the conversation is named."""
    return OITracer(trace.get_tracer("the application"), config=TraceConfig()).chain(function)


def naming(thread_id, user_id):
    """Name what is inside."""
    return using_attributes(session_id=thread_id, user_id=user_id)
