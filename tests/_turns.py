"""A chatbot in many shapes, for uvicorn: with `setup()`, or with plain OpenTelemetry to compare with.

Each turn is POST /SHAPE with {"thread_id": ..., "user_id": ...}.
"""

import os
from importlib.util import find_spec

from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI, OpenAI
from opentelemetry import trace
from pydantic import BaseModel

import langwatch_otel as langwatch
from langwatch_otel import instrumentations


def plain_opentelemetry():
    """What a user writes who has no plugin."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    for instrumentor in instrumentations.installed():  # OpenAI's, and that of its HTTP client.
        instrumentor.instrument(tracer_provider=provider)


settings = {}
if os.environ["TURNS"] == "setup":
    langwatch.setup()
else:
    plain_opentelemetry()
    if find_spec("fastapi.telemetry"):  # FastAPI 0.142 sends all spans once more, unless it is told not to.
        settings = {"telemetry": {"auto_configure": False}}

app = FastAPI(openapi_url=None, **settings)
client, async_client = OpenAI(), AsyncOpenAI()
tracer = trace.get_tracer("the application")


class Turn(BaseModel):
    thread_id: str
    user_id: str


def asked(turn):
    return {"model": "gpt-4.1", "messages": [{"role": "user", "content": f"I am {turn.user_id}."}]}


def name(turn):
    langwatch.set_conversation(thread_id=turn.thread_id, user_id=turn.user_id)


async def look_up():
    """An authentication that makes a span, before anybody knows the conversation."""
    with tracer.start_as_current_span("look-up"):
        return "somebody"


def look_up_in_a_thread():
    with tracer.start_as_current_span("look-up in a thread"):
        yield "somebody"
    with tracer.start_as_current_span("clean-up"):
        pass


@app.post("/seed")
@langwatch.trace()
async def seed(turn: Turn):
    langwatch.get_current_trace().update(metadata={"thread_id": turn.thread_id, "user_id": turn.user_id})
    client.chat.completions.create(**asked(turn))
    return {}


@app.post("/async")
@langwatch.trace(thread_id=langwatch.arg("turn.thread_id"), user_id=langwatch.arg("turn.user_id"))
async def asynchronous(turn: Turn):
    await async_client.chat.completions.create(**asked(turn))
    return {}


@app.post("/sync")
@langwatch.trace()
def synchronous(turn: Turn):
    name(turn)
    client.chat.completions.create(**asked(turn))
    return {}


@app.post("/late")
@langwatch.trace()
async def late(turn: Turn, one: str = Depends(look_up), two: str = Depends(look_up_in_a_thread)):
    with tracer.start_as_current_span("retrieval"):
        pass
    name(turn)
    await async_client.chat.completions.create(**asked(turn))
    return {}


@app.post("/plain")
async def plain(turn: Turn, one: str = Depends(look_up)):
    name(turn)
    await async_client.chat.completions.create(**asked(turn))
    return {}


@app.post("/plain-sync")
def plain_sync(turn: Turn, two: str = Depends(look_up_in_a_thread)):
    name(turn)
    client.chat.completions.create(**asked(turn))
    return {}


def undecorated(turn):
    with tracer.start_as_current_span("undecorated"):
        client.chat.completions.create(**asked(turn))


@langwatch.trace(name="decorated")
async def decorated(turn):
    await async_client.chat.completions.create(**asked(turn))


@app.post("/background")
@langwatch.trace()
async def background(turn: Turn, tasks: BackgroundTasks):
    name(turn)
    tasks.add_task(undecorated, turn)
    tasks.add_task(decorated, turn)
    return {}


@app.post("/plain-background")
def plain_background(turn: Turn, tasks: BackgroundTasks):
    tasks.add_task(undecorated, turn)
    tasks.add_task(decorated, turn)
    name(turn)
    return {}


@app.post("/stream")
@langwatch.trace()
async def stream(turn: Turn):
    name(turn)

    async def words():
        async for chunk in await async_client.chat.completions.create(**asked(turn), stream=True):
            yield chunk.choices[0].delta.content or ""

    return StreamingResponse(words())


@app.post("/unnamed")
@langwatch.trace()
async def unnamed(turn: Turn, one: str = Depends(look_up)):
    await async_client.chat.completions.create(**asked(turn))
    return {}


@app.post("/flush")
def flush():
    """A provider without the plugin loses what is queued when uvicorn is told to stop."""
    trace.get_tracer_provider().force_flush()
    return {}
