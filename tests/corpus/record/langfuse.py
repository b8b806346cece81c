"""Langfuse: `@observe`, its wrapper of OpenAI's client, and `propagate_attributes`."""

from langfuse import get_client, observe, propagate_attributes
from langfuse.openai import OpenAI
from script import LABELS, METADATA, SAID, THREAD, USER, Chat, weather

chat = Chat(OpenAI(max_retries=0), weather=observe(weather, as_type="tool"))


@observe(name="turn")
def turn(said):
    with propagate_attributes(session_id=THREAD, user_id=USER, tags=LABELS, metadata=METADATA):
        return chat.turn(said)


for each in SAID:
    turn(each)
get_client().flush()
