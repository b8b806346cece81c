"""OpenTelemetry's older instrumentation of OpenAI's client, alone: it knows no conversation and no user."""

from openai import OpenAI
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from script import SAID, Chat, logger_provider, provider

made, logs = provider(), logger_provider()
OpenAIInstrumentor().instrument(tracer_provider=made, logger_provider=logs)
chat = Chat(OpenAI(max_retries=0))

for each in SAID:
    with made.get_tracer("application").start_as_current_span("turn"):
        chat.turn(each)
made.shutdown()
logs.shutdown()
