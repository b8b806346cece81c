"""Traceloop: `@workflow`, `@conversation`, association properties, and its instrumentation of OpenAI's client."""

from openai import OpenAI
from script import CUSTOMER, ENDPOINT, SAID, THREAD, USER, Chat, weather
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import conversation, tool, workflow
from traceloop.sdk.instruments import Instruments

Traceloop.init(
    app_name="corpus",
    api_endpoint=ENDPOINT,
    api_key="none",
    telemetry_enabled=False,
    instruments={Instruments.OPENAI},
)
Traceloop.set_association_properties({"user_id": USER, "session_id": THREAD, "customer_id": CUSTOMER})
chat = Chat(OpenAI(max_retries=0), weather=tool(name="weather")(weather))


@workflow(name="turn")
@conversation(conversation_id=THREAD)
def turn(said):
    return chat.turn(said)


for each in SAID:
    turn(each)
