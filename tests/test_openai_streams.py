"""Streams of OpenAI that nobody reads to their end: when their spans end, and whose they are."""

import asyncio
import gc
import socket
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, suppress

import pytest
from fastapi.responses import StreamingResponse
from opentelemetry.sdk.trace import SpanProcessor

import langwatch_otel as langwatch
from _openai import NAMES, Instrumentation, asked, async_client, sync_client
from _servers import clean_environment
from langwatch_otel.cli.model_server import ModelServer
from langwatch_otel.clients import openai as mended
from langwatch_otel.frameworks.bodies import bodies_end_off, bodies_end_on

PACE = 0.03


class Ends(SpanProcessor):
    """Keeps what of the model's has ended, as it ends."""

    def __init__(self):
        self.ids = []
        self.came = threading.Condition()

    def on_end(self, span):
        if "gen_ai.request.model" in span.attributes:
            with self.came:
                self.ids.append((span.attributes.get("session.id"), span.attributes.get("gen_ai.conversation.id")))
                self.came.notify_all()

    def within(self, seconds, count=1):
        """What ended within that time; no longer than it takes."""
        with self.came:
            self.came.wait_for(lambda: len(self.ids) >= count, seconds)
            return list(self.ids)


@pytest.fixture(params=NAMES)
def openai(request, said):
    """The instrumentation, on, and mended; nothing is left to the garbage collector."""
    found = Instrumentation(request.param)
    found.ends = found.traced.__dict__.setdefault("ends", Ends())
    processors = found.traced.provider._active_span_processor._span_processors
    if found.ends not in processors:
        found.traced.provider.add_span_processor(found.ends)
    gc.collect()
    gc.disable()
    mended.on()
    bodies_end_on()
    found.ends.ids.clear()
    try:
        with found.on():
            yield found
    finally:
        mended.off()
        bodies_end_off()
        gc.enable()
        gc.collect()
    assert [reason for reason in said() if "failed while" in reason] == []


@pytest.fixture(scope="module")
def model():
    with ModelServer(pace=PACE) as model:
        yield model


def stream(**more):
    return asked(stream=True, **more)


def test_a_decorated_generator_that_is_broken_off_ends_its_stream(openai, model):
    """After `break`, and after `close()`, the model's span is over, and the turn's."""

    @openai.traced.trace(name="turn", thread_id="t")
    def words(client):
        yield from client.chat.completions.create(**stream())

    with sync_client(model) as client:
        for _ in words(client):
            break
        assert openai.ends.ids == [("t", "t")]
        running = words(client)
        next(running)
        running.close()
        assert openai.ends.ids == [("t", "t")] * 2


async def cancelled(task):
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def timed_out(task):
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(task, PACE / 10)


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("abandon", [cancelled, timed_out], ids=lambda abandon: abandon.__name__)
def test_a_task_that_is_cancelled_as_it_reads_ends_its_stream(openai, model, abandon, api):
    """A cancelled reader, decorated or not, leaves no span of the model open, while its task is still held."""

    async def read(client, thread, begun):
        with openai.traced.trace(name="turn", thread_id=thread):
            if api == "chat":
                chunks = await client.chat.completions.create(**stream())
            else:
                chunks = await client.responses.create(model="m", input="a b c d e f g h i", stream=True)
            async for _ in chunks:
                begun.set()

    async def main():
        async with async_client(model) as client:
            begun = asyncio.Event()
            task = asyncio.create_task(read(client, "t", begun))
            await begun.wait()
            await abandon(task)
            assert openai.ends.ids == [("t", "t")]

    asyncio.run(main())


def test_a_block_that_is_left_early_ends_its_stream(openai, model):
    """`async with stream` ends the model's span where the block ends, as `with stream` does."""

    async def main():
        async with async_client(model) as client:
            with openai.traced.trace(name="turn", thread_id="t"):
                async with await client.chat.completions.create(**stream()) as chunks:
                    await chunks.__anext__()
                assert openai.ends.ids == [("t", "t")]

    asyncio.run(main())


def chatbot(openai, model):
    """A chatbot that streams in the ways people write it."""
    app = openai.traced.app()
    clients = {}

    @asynccontextmanager
    async def lifespan(app):
        with sync_client(model) as clients["sync"]:
            async with async_client(model) as clients["async"]:
                yield

    app.router.lifespan_context = lifespan

    def words():
        for chunk in clients["sync"].chat.completions.create(**stream()):
            yield chunk.choices[0].delta.content or "-"

    async def waiting_words():
        async for chunk in await clients["async"].chat.completions.create(**stream()):
            yield chunk.choices[0].delta.content or "-"

    @app.get("/endpoint")
    @openai.traced.trace(name="turn", thread_id=langwatch.arg("thread"))
    async def endpoint(thread: str):
        return StreamingResponse(waiting_words())

    @app.get("/endpoint-in-threads")
    @openai.traced.trace(name="turn", thread_id=langwatch.arg("thread"))
    def endpoint_in_threads(thread: str):
        return StreamingResponse(words())

    @app.get("/asked-before")
    @openai.traced.trace(name="turn", thread_id=langwatch.arg("thread"))
    async def asked_before(thread: str):
        chunks = await clients["async"].chat.completions.create(**stream())

        async def waiting_words():
            async for chunk in chunks:
                yield chunk.choices[0].delta.content or "-"

        return StreamingResponse(waiting_words())

    @app.get("/generator")
    async def generator(thread: str):
        return StreamingResponse(openai.traced.trace(name="turn", thread_id=thread)(waiting_words)())

    @app.get("/undecorated")
    async def undecorated(thread: str):
        langwatch.set_conversation(thread_id=thread)
        return StreamingResponse(waiting_words())

    @app.get("/undecorated-in-threads")
    async def undecorated_in_threads(thread: str):
        langwatch.set_conversation(thread_id=thread)
        return StreamingResponse(words())

    return app


PATHS = ("endpoint", "endpoint-in-threads", "asked-before", "generator", "undecorated", "undecorated-in-threads")


@pytest.mark.parametrize("path", PATHS)
def test_a_client_that_goes_away_ends_the_models_stream(openai, model, path):
    """Whoever hangs up in the middle of an answer, the model's span ends there, with the ids of its own turn."""

    with openai.traced.served(chatbot(openai, model)) as port:
        for thread in ("t-0", "t-1"):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(f"GET /{path}?thread={thread} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
                received = b""
                while received.count(b"\r\n") < 9:  # The head, and the first words.
                    received += connection.recv(4096)
        assert openai.ends.within(2, count=2) == [("t-0", "t-0"), ("t-1", "t-1")]


PROGRAM = """
import sys
import langwatch_otel as langwatch
import openai
from openai.resources.beta import realtime, threads

def methods():
    return {{
        (kind, name): found
        for module in list(sys.modules) if module.startswith("openai.resources.")
        for kind in list(vars(sys.modules[module]).values()) if isinstance(kind, type)
        for name, found in list(vars(kind).items()) if callable(found)
    }}

before = methods()
{setup}
from opentelemetry.instrumentation.openai.shared.chat_wrappers import ChatStream
from opentelemetry.instrumentation.openai.v1.responses_wrappers import ResponseStream

def said():
    steps = ChatStream.__anext__, ChatStream.__aexit__, ResponseStream.__anext__
    print([step.__module__.partition(".")[0] for step in steps], [hasattr(step, "__wrapped__") for step in steps])
    now = methods()
    print(any(now[each] is not before[each] for each in before))

said()
langwatch.LangWatchInstrumentor().uninstrument()
said()
"""


@pytest.mark.parametrize("setup", ["langwatch.setup()", ""])
def test_setup_mends_streams_until_it_is_undone(setup):
    """setup() mends the streams of the instrumentation that is there; uninstrument() leaves them as they were.

    And OpenAI's methods: the instrumentation by itself leaves its wrappers there, and the next setup() adds more.
    """
    pytest.importorskip("opentelemetry.instrumentation.openai", reason="not run: another instrumentation")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(setup=setup)],
        env=clean_environment(PYTHONPATH="src", OTEL_TRACES_EXPORTER="none"),
        capture_output=True,
        text=True,
    )
    theirs = ["opentelemetry"] * 3
    on, off = f"{theirs} {[bool(setup)] * 3}", f"{theirs} {[False] * 3}"
    assert ran.stdout.splitlines() == [on, str(bool(setup)), off, "False"], ran.stderr
