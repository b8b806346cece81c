"""OpenTelemetry's instrumentation of OpenAI's client, within workflows of opentelemetry-util-genai."""

from openai import OpenAI
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.types import InputMessage, OutputMessage, Text
from script import SAID, THREAD, Chat, logger_provider, provider

made, logs = provider(), logger_provider()
OpenAIInstrumentor().instrument(tracer_provider=made, logger_provider=logs)
handler = TelemetryHandler(tracer_provider=made, logger_provider=logs)
chat = Chat(OpenAI(max_retries=0))

for said in SAID:
    with handler.invoke_local_agent(agent_name="guide", conversation_id=THREAD) as agent:
        agent.input_messages = [InputMessage(role="user", parts=[Text(content=said)])]
        answer = chat.turn(said)
        if answer:
            agent.output_messages = [
                OutputMessage(role="assistant", parts=[Text(content=answer)], finish_reason="stop")
            ]
made.shutdown()
logs.shutdown()
