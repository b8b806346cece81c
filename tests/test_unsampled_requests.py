"""Wherever in a request the conversation is named, the application sees the same, recorded or not."""

import asyncio
import http.client
import time
from contextlib import contextmanager

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from websockets.sync.client import connect

import langwatch_otel as langwatch
from _asgi import call
from _recorder import recording
from langwatch_otel import LangWatchInstrumentor
from langwatch_otel.cli.app_server import AppServer


def thread():
    return langwatch.get_conversation().thread_id


def name(found="t"):
    langwatch.set_conversation(thread_id=found)


async def asynchronously():
    name()


def a_dependency(app, seen):
    async def found():
        name()

    @app.get("/")
    async def turn(_: None = Depends(found)):
        seen.append(thread())


def a_dependency_in_a_thread(app, seen):
    @app.get("/")
    def turn(_: None = Depends(lambda: name())):
        seen.append(thread())


def a_dependency_with_an_end(app, seen):
    async def found():
        name()
        yield
        seen.append(thread())

    @app.get("/")
    async def turn(_: None = Depends(found)):
        seen.append(thread())


def a_thread(app, seen):
    @app.get("/")
    async def turn():
        await asyncio.to_thread(name)
        seen.append(thread())


def a_task(app, seen):
    @app.get("/")
    async def turn():
        await asyncio.create_task(asynchronously())
        seen.append(thread())


def a_middleware(app, seen):
    async def middleware(request, call_next):
        name()
        response = await call_next(request)
        seen.append(thread())
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=middleware)

    @app.get("/")
    async def turn():
        seen.append(thread())


def an_endpoint_under_a_middleware(app, seen):
    async def middleware(request, call_next):
        response = await call_next(request)
        seen.append(thread())
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=middleware)

    @app.get("/")
    async def turn():
        name()


def a_block_that_is_over(app, seen):
    @app.get("/")
    async def turn():
        with langwatch.trace(thread_id="t"):
            seen.append(thread())
        seen.append(thread())


def one_after_the_other(app, seen):
    @langwatch.trace()
    async def one(found, **more):
        seen.append(langwatch.get_conversation()[:2])
        langwatch.set_conversation(thread_id=found, **more)
        seen.append(langwatch.get_conversation()[:2])

    @app.get("/")
    async def turn():
        await one("t", user_id="alice")
        await one("u")


def two_tasks(app, seen):
    @langwatch.trace()
    async def one(found):
        name(found)
        await asyncio.sleep(0)
        seen.append(thread())

    @app.get("/")
    async def turn():
        await asyncio.gather(one("t"), one("u"))
        seen.append(thread())


def a_background_task(app, seen):
    @app.get("/")
    async def turn(tasks: BackgroundTasks):
        tasks.add_task(lambda: seen.append(thread()))
        with langwatch.conversation(thread_id="t"):
            pass


def a_body(app, seen):
    async def body():
        seen.append(thread())
        yield b"x"
        seen.append(thread())

    @app.get("/")
    async def turn():
        name()
        return StreamingResponse(body())


def an_exception_handler(app, seen):
    @app.exception_handler(KeyError)
    async def handled(request, error):
        seen.append(thread())
        return StreamingResponse(iter(()))

    @app.get("/")
    async def turn():
        name()
        raise KeyError


def a_mounted_application(app, seen):
    inner = FastAPI(telemetry=app.telemetry_given)

    async def middleware(request, call_next):
        response = await call_next(request)
        seen.append(langwatch.get_conversation().user_id)
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=middleware)

    @inner.get("/")
    async def turn(_: None = Depends(asynchronously)):
        langwatch.set_conversation(user_id="u")
        seen.append(thread())

    app.mount("/", inner)


REQUESTS = {
    a_dependency: ["t"],
    a_dependency_in_a_thread: ["t"],
    a_dependency_with_an_end: ["t", "t"],
    a_thread: ["t"],
    a_task: ["t"],
    a_middleware: ["t", "t"],
    an_endpoint_under_a_middleware: ["t"],
    a_block_that_is_over: ["t", "t"],
    one_after_the_other: [(None, None), ("t", "alice"), (None, None), ("u", None)],
    two_tasks: ["t", "u", None],
    a_background_task: ["t"],
    a_body: ["t", "t"],
    an_exception_handler: ["t"],
    a_mounted_application: ["t", "u"],
}
SAMPLERS = {"sampled": ALWAYS_ON, "unsampled": ALWAYS_OFF}
CONTRIB = {"contrib, sampled": ALWAYS_ON, "contrib, unsampled": ALWAYS_OFF}
MODES = [*SAMPLERS, *CONTRIB, "no provider"]


@contextmanager
def served(make, sampler):
    """The port of a real server with that endpoint, and what the application sees: all of it when that has stopped."""
    with recording(sampler={**SAMPLERS, **CONTRIB}.get(sampler)) as recorder:
        own = sampler in SAMPLERS
        given = {"metrics": False, "tracing": own, "tracer_provider": recorder.provider if own else None}
        app, seen = FastAPI(telemetry=given), []
        app.telemetry_given = given
        make(app, seen)
        if sampler in CONTRIB:
            FastAPIInstrumentor.instrument_app(app, tracer_provider=recorder.provider)
        try:
            with AppServer(app) as server:
                yield server.port, seen
        finally:
            if sampler in CONTRIB:  # It follows the background tasks of all applications until then.
                FastAPIInstrumentor.uninstrument_app(app)


def get(port, *paths):
    """The statuses of requests on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    found = []
    for path in paths:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        found.append(answer.status)
    connection.close()
    return found


@pytest.mark.parametrize("sampler", MODES)
@pytest.mark.parametrize("make", REQUESTS)
def test_a_name_is_seen_in_the_whole_request(make, sampler):
    """A name that any place of a request gave is seen in its other places."""
    with served(make, sampler) as (port, seen):
        assert get(port, "/") == [200]
        latest = time.monotonic() + 5
        while len(seen) < len(REQUESTS[make]) and time.monotonic() < latest:
            time.sleep(0.001)  # Background tasks run when the answer has gone out.
    assert seen == REQUESTS[make]


@pytest.mark.parametrize("sampler", MODES)
def test_a_request_starts_without_a_name(sampler):
    """What one request was named is nothing to the next one, on a connection that is kept open."""

    def make(app, seen):
        @app.get("/")
        async def turn(given: str | None = None):
            seen.append(thread())
            if given:
                await asyncio.to_thread(name, given)
                seen.append(thread())

    with served(make, sampler) as (port, seen):
        assert get(port, "/?given=a", "/", "/?given=b") == [200] * 3
    assert seen == [None, "a", None, None, "b"]


@pytest.mark.parametrize("sampler", MODES)
@pytest.mark.parametrize("around", ["a trace()", "a conversation() of a user"])
def test_a_gathered_task_keeps_its_name(around, sampler):
    """A task's own name is seen in that task alone, also after the block of a span that it was given in."""
    decorate = langwatch.trace() if around == "a trace()" else langwatch.conversation(user_id="u")

    def make(app, seen):
        named, late = asyncio.Event(), asyncio.Event()

        async def one(found, after, before):
            await after.wait()
            seen.append(thread())
            with langwatch.span():
                name(found)
            before.set()
            await asyncio.sleep(0)
            seen.append(thread())

        @app.get("/")
        @decorate
        async def turn():
            named.set()
            await asyncio.gather(one("a", named, late), one("b", late, named))

    with served(make, sampler) as (port, seen):
        assert get(port, "/") == [200]
    assert seen in ([None, "a", None, "b"], [None, None, "a", "b"])


@pytest.mark.parametrize("sampler", MODES)
def test_a_websocket_keeps_its_name(sampler):
    """A websocket that was named in a dependency is named until it closes."""

    def make(app, seen):
        @app.websocket("/")
        async def turn(socket: WebSocket, _: None = Depends(asynchronously)):
            await socket.accept()
            async for text in socket.iter_text():
                await socket.send_text(f"{text} {await asyncio.to_thread(thread)}")

    with served(make, sampler) as (port, _), connect(f"ws://127.0.0.1:{port}/") as socket:
        socket.send("one")
        assert socket.recv() == "one t"


def test_turned_off_an_application_is_left_as_it_was():
    """uninstrument() takes the scope around requests away again."""
    before = Starlette.__call__
    with recording():
        assert Starlette.__call__ is not before
    assert Starlette.__call__ is before


def test_a_hook_that_somebody_puts_back_is_placed_again():
    """Where another library puts the method back as it was before us, the next instrument() wraps it again."""
    before = Starlette.__call__
    with recording():
        Starlette.__call__ = before
        LangWatchInstrumentor().instrument(flush_on_shutdown=False)
        assert Starlette.__call__ is not before
    assert Starlette.__call__ is before


def test_an_application_that_is_called_leaves_its_caller_as_it_was():
    """Code that calls an application in its own task has no name of the request afterwards."""

    async def calls(app):
        return [await call(app, "/"), thread()]

    with recording():
        app, seen = FastAPI(), []
        a_dependency(app, seen)
        assert [asyncio.run(calls(app)), seen] == [[200, None], ["t"]]
