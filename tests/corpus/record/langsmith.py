"""LangSmith: its own tracing as OpenTelemetry spans, of `@traceable` functions and the wrapper of OpenAI's client."""

from langsmith import Client, traceable, tracing_context
from langsmith.wrappers import wrap_openai
from openai import OpenAI
from script import LABELS, SAID, THREAD, USER, Chat, weather

client = Client()
chat = Chat(wrap_openai(OpenAI(max_retries=0)), weather=traceable(run_type="tool")(weather))


@traceable(name="turn")
def turn(said):
    return chat.turn(said)


for each in SAID:
    with tracing_context(client=client):
        turn(each, langsmith_extra={"metadata": {"thread_id": THREAD, "user_id": USER}, "tags": LABELS})
client.flush()
client.close()
