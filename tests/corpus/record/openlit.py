"""OpenLIT: `openlit.trace`, `using_attributes`, and its instrumentation of OpenAI's client."""

import openlit
from openai import OpenAI
from script import ENDPOINT, SAID, THREAD, USER, Chat

openlit.init(
    otlp_endpoint=ENDPOINT, service_name="corpus", disable_metrics=True, pricing_json=f"{ENDPOINT}/pricing.json"
)
chat = Chat(OpenAI(max_retries=0))


@openlit.trace
def turn(said):
    return chat.turn(said)


for each in SAID:
    with openlit.using_attributes({"gen_ai.conversation.id": THREAD, "session.id": THREAD, "user.id": USER}):
        turn(each)
