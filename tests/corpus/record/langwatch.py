"""LangWatch: `@langwatch.trace` with metadata, spans with input and output, `autotrack_openai_calls`."""

import langwatch
from openai import OpenAI
from script import CUSTOMER, ENDPOINT, LABELS, METADATA, SAID, THREAD, USER, Chat, weather

langwatch.setup(api_key="none", endpoint_url=ENDPOINT)
client = OpenAI(max_retries=0)
chat = Chat(client, weather=langwatch.span(type="tool")(weather))
NAMED = {"thread_id": THREAD, "user_id": USER, "customer_id": CUSTOMER, "labels": LABELS, **METADATA}


@langwatch.trace(name="turn", metadata=NAMED)
def turn(said):
    langwatch.get_current_trace().autotrack_openai_calls(client)
    langwatch.get_current_trace().update(input=said)
    answer = chat.turn(said)
    langwatch.get_current_trace().update(output=answer)
    return answer


for each in SAID:
    turn(each)
