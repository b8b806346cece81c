"""OpenInference: its instrumentation of OpenAI's client, its tracer, `using_attributes`."""

import model
from openinference.instrumentation import OITracer, TraceConfig, using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace


def set_up(endpoint):
    """Send to `endpoint` with the SDK's exporter."""
    OpenAIInstrumentor().instrument(tracer_provider=model.provider(endpoint))


def turn(said):
    """Return the answer, in a span of OpenInference's."""
    tracer = OITracer(trace.get_tracer("openinference"), config=TraceConfig())
    with tracer.start_as_current_span("turn", openinference_span_kind="chain"):
        return model.answer(model.client(), said)


def turn_of(said, session):
    """Return the answer, the session told to OpenInference."""
    with using_attributes(session_id=session, user_id=session):
        return turn(said)


def flush():
    """Nothing: the provider was flushed."""
