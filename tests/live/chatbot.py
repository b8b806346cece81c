"""The chatbot that every backend, pipeline and SDK is tried with, run as `python chatbot.py PORT`.

It makes the same spans whoever names the conversation: one that has ended before the ids are known, one of a tool, and
those of the calls of a model, in five kinds of endpoint. How a turn is decorated, and how it is named, is the SDK's.
"""

import importlib
import json
import os
import sys
from collections import defaultdict
from contextlib import asynccontextmanager

import uvicorn
from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import BaseModel

MODEL = "gpt-4.1"
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

pipeline = importlib.import_module(f"sdks.{os.environ['SDK']}")
pipeline.set_up()
names = importlib.import_module(f"sdks.{os.environ['NAMING']}")
if names is not pipeline:
    names.join()

# The vendor's own decorators stay where ours is the name alone.
turn = names.turn if os.environ["DECORATED"] == "by us" else getattr(pipeline, "turn", names.turn)
work = getattr(pipeline, "work", lambda function: function)
around = getattr(names, "around", names.naming)


def tell_all(provider):
    """Export everything that is made to a second endpoint too, to know what there is."""
    exporter = OTLPSpanExporter(f"{os.environ['TALLY']}/v1/traces")
    wrap = getattr(names, "exporter", lambda exporter: exporter)
    provider.add_span_processor(BatchSpanProcessor(wrap(exporter)))


provider = getattr(pipeline, "provider", trace.get_tracer_provider)()
tell_all(provider)
tracer = provider.get_tracer("the application")
client = pipeline.client()
histories = defaultdict(list)


class Said(BaseModel):
    """What a user says in a thread."""

    thread_id: str
    user_id: str
    message: str
    tool: bool = False


def look_up():
    """What an application does before it knows who talks to it."""
    with tracer.start_as_current_span("look-up"):
        pass


def weather(city):
    """A tool."""
    with tracer.start_as_current_span("weather"):
        return f"{city}: 21 °C, sonnig."


def create(messages, **more):
    """Ask the model."""
    return client.chat.completions.create(model=MODEL, messages=messages, **more)


@work
def answer(said):
    """Ask the model, which may want a tool called, and remember what was said."""
    messages = [*histories[said.thread_id], {"role": "user", "content": said.message}]
    tools = {"tools": [TOOL]} if said.tool else {}
    reply = create(messages, **tools).choices[0].message
    if reply.tool_calls:
        [call] = reply.tool_calls
        asked = {"id": call.id, "type": "function", "function": call.function.model_dump()}
        told = weather(json.loads(call.function.arguments)["city"])
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [asked]},
            {"role": "tool", "tool_call_id": call.id, "content": told},
        ]
        reply = create(messages, **tools).choices[0].message
    else:
        weather("Lisboa")
    return remember(said, reply.content)


def remember(said, text):
    """Keep a turn, and return its answer."""
    histories[said.thread_id] += [
        {"role": "user", "content": said.message},
        {"role": "assistant", "content": text},
    ]
    return text


@asynccontextmanager
async def lifespan(app):
    """Send what is queued before the server ends."""
    yield
    getattr(pipeline, "flush", lambda: None)()
    provider.force_flush()


quiet = {"telemetry": {"tracing": False, "metrics": False}} if os.environ["MODE"] == "none" else {}
app = FastAPI(openapi_url=None, lifespan=lifespan, **quiet)


@app.post("/async")
@turn
async def in_async(said: Said):
    """The chatbot of the README."""
    look_up()
    with names.naming(said.thread_id, said.user_id):
        return {"reply": answer(said)}


@app.post("/sync")
@turn
def in_sync(said: Said):
    """The same in a thread."""
    look_up()
    with names.naming(said.thread_id, said.user_id):
        return {"reply": answer(said)}


@turn
async def words(said):
    """The answer word by word."""
    with names.naming(said.thread_id, said.user_id):
        weather("Lisboa")
        messages = [*histories[said.thread_id], {"role": "user", "content": said.message}]
        text = ""
        for chunk in create(messages, stream=True):
            piece = chunk.choices[0].delta.content if chunk.choices else ""
            text += piece or ""
            yield piece or ""
        remember(said, text)


@app.post("/stream")
async def in_a_stream(said: Said):
    """An answer that is sent while it is made."""
    look_up()
    return StreamingResponse(words(said), media_type="text/plain")


@turn
def later(said):
    """The work that is done when the request has been answered."""
    with names.naming(said.thread_id, said.user_id):
        answer(said)


@app.post("/background")
@turn
async def in_the_background(said: Said, tasks: BackgroundTasks):
    """An endpoint that leaves the work to a task."""
    look_up()
    with names.naming(said.thread_id, said.user_id):
        weather("Lisboa")
        tasks.add_task(later, said)
        return {"reply": "later"}


@app.websocket("/socket")
async def in_a_socket(socket: WebSocket):
    """A conversation on one websocket, named at its start."""
    await socket.accept()
    look_up()
    said = Said(**await socket.receive_json())
    with around(said.thread_id, said.user_id):
        while said.message:
            await socket.send_json({"reply": await reply(said)})
            said = Said(**await socket.receive_json())
    await socket.close()


@turn
async def reply(said):
    """The answer to one message."""
    with names.naming(said.thread_id, said.user_id):
        return answer(said)


if os.environ["MODE"] == "contrib":
    instrument = (
        getattr(pipeline, "instrument_fastapi", None) or importlib.import_module("sdks.plain").instrument_fastapi
    )
    instrument(app, provider)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
