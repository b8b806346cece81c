"""OpenInference: its instrumentation of OpenAI's client, `using_attributes`, and its decorators."""

from openai import OpenAI
from openinference.instrumentation import OITracer, TraceConfig, using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from script import LABELS, METADATA, SAID, THREAD, USER, Chat, provider, weather

made = provider()
OpenAIInstrumentor().instrument(tracer_provider=made)
tracer = OITracer(made.get_tracer("application"), config=TraceConfig())
chat = Chat(OpenAI(max_retries=0), weather=tracer.tool(weather))


@tracer.chain(name="turn")
def turn(said: str) -> str:
    return chat.turn(said)


for each in SAID:
    with using_attributes(session_id=THREAD, user_id=USER, tags=LABELS, metadata=METADATA):
        turn(each)
made.shutdown()
