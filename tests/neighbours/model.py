"""The call of a model that all neighbours' spans are around."""


def answer(client, said):
    """Return what the stand-in for OpenAI says."""
    asked = client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": said}])
    return asked.choices[0].message.content


def client():
    """Return OpenAI's client; its address and key are in the environment."""
    from openai import OpenAI

    return OpenAI(max_retries=0)


def provider(endpoint):
    """Make the global provider, as whoever has no SDK of a vendor's does, with an exporter to `endpoint`.

    Where there is one already, it gets the exporter.
    """
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = trace.get_tracer_provider()
    if not hasattr(made, "add_span_processor"):
        made = TracerProvider()
        trace.set_tracer_provider(made)
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    return made
