"""PostHog: its span processor behind OpenTelemetry's instrumentation of OpenAI's client, within its contexts."""

import posthog
from openai import OpenAI
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from posthog.ai.otel import PostHogSpanProcessor
from script import ENDPOINT, METADATA, SAID, THREAD, USER, Chat

made = TracerProvider(resource=Resource.create({"service.name": "corpus"}))
made.add_span_processor(PostHogSpanProcessor(api_key="none", host=ENDPOINT))
OpenAIInstrumentor().instrument(tracer_provider=made)
chat = Chat(OpenAI(max_retries=0))

for said in SAID:
    with posthog.new_context(fresh=True):
        posthog.identify_context(USER)
        posthog.set_context_session(THREAD)
        for key, value in METADATA.items():
            posthog.tag(key, value)
        with made.get_tracer("application").start_as_current_span("turn"):
            chat.turn(said)
made.shutdown()
