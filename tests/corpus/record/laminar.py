"""Laminar: `@observe`, its instrumentation of OpenAI's client, session and user of the trace."""

from urllib.parse import urlsplit

from lmnr import Instruments, Laminar, observe
from openai import OpenAI
from script import ENDPOINT, LABELS, METADATA, SAID, THREAD, USER, Chat, weather

address = urlsplit(ENDPOINT)
Laminar.initialize(
    project_api_key="none",
    base_url=f"{address.scheme}://{address.hostname}",
    http_port=address.port,
    force_http=True,
    instruments={Instruments.OPENAI},
)
chat = Chat(OpenAI(max_retries=0), weather=observe(span_type="TOOL")(weather))


@observe(name="turn", session_id=THREAD, user_id=USER, metadata=METADATA, tags=LABELS)
def turn(said):
    return chat.turn(said)


for each in SAID:
    turn(each)
Laminar.shutdown()
