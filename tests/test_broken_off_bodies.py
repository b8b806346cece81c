"""Bodies of streaming responses that the client does not wait for."""

import asyncio
import contextvars
import gc
import socket
import threading
import time
from importlib.metadata import version

import pytest
from fastapi.responses import StreamingResponse
from opentelemetry.sdk.trace import SpanProcessor
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

import langwatch_otel as langwatch
from langwatch_otel import LangWatchInstrumentor

PIECE = b"x" * 1_000_000  # More than a socket takes at once.

variable = contextvars.ContextVar("variable", default=None)


@pytest.fixture(autouse=True)
def without_garbage_collection():
    """Nothing here may wait for the garbage collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Ended(SpanProcessor):
    """Tells when a span of a name has ended."""

    def __init__(self, name):
        self.name = name
        self.came = threading.Event()

    def on_end(self, span):
        if span.name == self.name:
            self.came.set()


def served(traced, body):
    app = traced.app()

    @app.get("/")
    @traced.trace(name="turn", thread_id="t")
    async def endpoint():
        variable.set("the request's")
        return StreamingResponse(body())

    return traced.served(app)


def hang_up(port, *, reading):
    """Ask, and go away: while the server cannot send more, or while it waits for the body's next piece."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        time.sleep(0.3)
        if reading:
            connection.recv(100)


@pytest.mark.parametrize("blocked", ["sending", "waiting"])
@pytest.mark.parametrize("kind", ["async", "in threads"])
def test_a_body_is_closed_when_the_client_goes(traced, kind, blocked):
    """Its clean-up runs to its end, in the turn's conversation, whatever the body was doing; the turn's span ends."""
    cleaned, done = [], threading.Event()
    piece = PIECE if blocked == "sending" else b"x"

    def clean_up():
        cleaned.append((langwatch.get_conversation().thread_id, variable.get()))
        done.set()

    async def body():
        try:
            while True:
                yield piece
                await asyncio.sleep(0 if blocked == "sending" else 0.05)
        finally:
            clean_up()

    def body_in_threads():
        try:
            while True:
                yield piece
                time.sleep(0 if blocked == "sending" else 0.05)
        finally:
            clean_up()

    ended = Ended("turn")
    traced.provider.add_span_processor(ended)
    with served(traced, body if kind == "async" else body_in_threads) as port:
        hang_up(port, reading=blocked == "waiting")
        assert done.wait(2)
        assert ended.came.wait(2)
    assert cleaned == [("t", "the request's")]


@pytest.mark.parametrize("blocked", ["sending", "waiting"])
@pytest.mark.parametrize("kind", ["async", "in threads"])
def test_an_undecorated_handlers_body_is_closed_when_the_client_goes(traced, kind, blocked):
    """What a body has open ends when the client goes, though no decorator follows it; named as its request was."""
    piece = PIECE if blocked == "sending" else b"x"

    async def body():
        model = traced.tracer.start_span("model")
        try:
            while True:
                yield piece
                await asyncio.sleep(0 if blocked == "sending" else 0.05)
        finally:
            model.end()

    def body_in_threads():
        model = traced.tracer.start_span("model")
        try:
            while True:
                yield piece
                time.sleep(0 if blocked == "sending" else 0.05)
        finally:
            model.end()

    ended, app = Ended("model"), traced.app()
    traced.provider.add_span_processor(ended)

    @app.get("/")
    async def endpoint():
        langwatch.set_conversation(thread_id="t")
        return StreamingResponse(body() if kind == "async" else body_in_threads())

    LangWatchInstrumentor().instrument(tracer_provider=traced.provider, flush_on_shutdown=False)
    try:
        with traced.served(app) as port:
            hang_up(port, reading=blocked == "waiting")
            assert ended.came.wait(2)
    finally:
        LangWatchInstrumentor().uninstrument()
    assert traced.threads()["model"] == "t"


def test_a_background_task_may_read_on_when_the_client_is_gone(traced):
    """A background task that saves the rest of the answer gets it, as it does without us."""
    read, done = [], threading.Event()

    def body():
        for _ in range(40):
            yield PIECE
            time.sleep(0.01)

    def save(rest):
        read.extend(rest)
        done.set()

    app = traced.app()

    @app.get("/")
    async def endpoint():
        rest = body()
        return StreamingResponse(rest, background=BackgroundTask(save, rest))

    LangWatchInstrumentor().instrument(tracer_provider=traced.provider, flush_on_shutdown=False)
    try:
        with traced.served(app) as port:
            hang_up(port, reading=False)
            assert done.wait(5)
    finally:
        LangWatchInstrumentor().uninstrument()
    assert len(read) > 20


@pytest.mark.skipif(
    tuple(map(int, version("starlette").split(".")[:2])) < (0, 42), reason="not run: this Starlette knows no ASGI 2.4"
)
def test_a_clean_up_that_waits_is_waited_for(traced):
    """Where the server says that the client is gone as a piece is sent, the body may await things as it cleans up."""
    cleaned = []

    async def body():
        try:
            while True:
                yield "x"
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(langwatch.get_conversation().thread_id)

    @traced.trace(name="turn", thread_id="t")
    async def endpoint():
        return StreamingResponse(body())

    sent = []

    async def send(message):
        sent.append(message)
        if len(sent) == 3:
            raise OSError

    async def request():
        # As a server does that has version 2.4 of ASGI's specification; it does not cancel.
        response = await endpoint()
        with pytest.raises(ClientDisconnect):
            await response({"type": "http", "asgi": {"spec_version": "2.4"}}, None, send)
        await asyncio.sleep(0.1)

    asyncio.run(request())
    assert cleaned == ["t"]
    assert traced.threads() == {"turn": "t"}
