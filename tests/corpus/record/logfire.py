"""Logfire: `instrument_openai`, `set_baggage` with both a conversation and a user, its default scrubbing."""

import logfire
from openai import OpenAI
from script import SAID, THREAD, USER, Chat, weather

logfire.configure(send_to_logfire=False, console=False, service_name="corpus", inspect_arguments=False)
client = OpenAI(max_retries=0)
logfire.instrument_openai(client)
chat = Chat(client, weather=logfire.instrument("weather", extract_args=True, record_return=True)(weather))

for said in SAID:
    ids = {"gen_ai.conversation.id": THREAD, "session.id": THREAD, "user.id": USER}
    with logfire.set_baggage(**ids), logfire.span("turn", said=said, _tags=["first", "zweites"]) as span:
        span.set_attribute("answer", chat.turn(said))
logfire.force_flush()
