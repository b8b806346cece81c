"""Nothing that is queued is lost when an ASGI application stops."""

import socket
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from _asgi import WHENS, live, python, requests_that_arrive, served, stop
from langwatch_otel.frameworks.lifespan import flush_at_lifespan_end, flush_off


@pytest.fixture(autouse=True)
def _off():
    yield
    flush_off()


@pytest.mark.parametrize("when", WHENS)
def test_sigterm_loses_no_span(tmp_path, when):
    """All spans of a stopped uvicorn arrive, wherever in the program's life we were turned on."""
    assert requests_that_arrive(tmp_path, when=when) == 20


@pytest.mark.parametrize("arguments", [("--workers", "2"), ("--lifespan", "off")])
def test_sigterm_loses_no_span_of_workers_or_without_a_lifespan(tmp_path, arguments):
    """All spans arrive from uvicorn's worker processes, and from a uvicorn that runs no lifespan."""
    assert requests_that_arrive(tmp_path, *arguments) == 20


def test_a_dead_endpoint_delays_the_stop_by_the_limit_at_most(tmp_path):
    """An endpoint that never answers cannot keep a server from stopping."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with served(tmp_path, endpoint, limit=1_000) as process:
            assert 1 <= stop(process) < 4


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
def test_the_flush_comes_before_the_last_message(kind):
    """A server hears that an application has stopped after its spans were sent."""
    app, heard = kind(), []
    flush_at_lifespan_end(lambda millis: heard.append(millis), 1_234)
    assert live(app, heard) == ["lifespan.startup.complete", 1_234, "lifespan.shutdown.complete"]


@pytest.mark.parametrize(("starts", "last"), [(True, "shutdown.failed"), (False, "startup.failed")])
def test_an_application_that_fails_is_flushed_too(starts, last):
    """Failing to start or to stop is an end like any other."""

    @asynccontextmanager
    async def failing(app):
        if starts:
            yield
        raise RuntimeError("the application's own")

    app, heard = FastAPI(lifespan=failing), []
    flush_at_lifespan_end(lambda millis: heard.append("flushed"))
    with pytest.raises(RuntimeError, match="the application's own"):
        live(app, heard)
    assert heard[-2:] == ["flushed", f"lifespan.{last}"]


def test_an_application_within_another_flushes_nothing_more():
    """Mounted applications, and ones that are handed the lifespan, stop with the one around them."""
    inner, heard = FastAPI(), []

    class Both:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            await (inner if scope["type"] == "lifespan" else self.app)(scope, receive, send)

    outer = FastAPI()
    outer.mount("/inner", inner)
    outer.add_middleware(Both)
    flush_at_lifespan_end(lambda millis: heard.append("flushed"))
    assert live(outer, heard) == ["lifespan.startup.complete", "flushed", "lifespan.shutdown.complete"]


def test_a_flush_that_fails_stays_with_us():
    """One flush that raises harms neither the application nor the other flushes."""
    heard = []

    def fail(millis):
        raise OSError("no endpoint")

    flush_at_lifespan_end(fail)
    flush_at_lifespan_end(lambda millis: heard.append("flushed"))
    assert live(FastAPI(), heard) == ["lifespan.startup.complete", "flushed", "lifespan.shutdown.complete"]


def test_what_hangs_is_waited_for_once():
    """A flush that has outlived its limit does not delay the next stop; once it is over, we flush again."""
    heard, dead = [], threading.Event()

    def hang(millis):
        heard.append("flushing")
        dead.wait(30)

    flush_at_lifespan_end(hang, 500)
    begin = time.monotonic()
    live(FastAPI(), [])
    live(FastAPI(), [])
    took = time.monotonic() - begin
    dead.set()
    for thread in threading.enumerate():
        if thread.name == "langwatch_otel.flush":
            thread.join()
    live(FastAPI(), [])
    assert (heard, 0.5 <= took < 1) == (["flushing", "flushing"], True)


def test_flushing_on_and_off_leaves_nothing_behind():
    """Off means not flushed, with the class as it was, however often; the same flush counts once."""
    before, heard = vars(Starlette)["__call__"], []

    def flush(millis):
        heard.append("flushed")

    for _ in range(100):
        flush_at_lifespan_end(flush)
        flush_at_lifespan_end(flush)
        live(FastAPI(), heard)
        flush_off()
        live(FastAPI(), heard)
    assert Counter(heard) == {
        "flushed": 100,
        "lifespan.startup.complete": 200,
        "lifespan.shutdown.complete": 200,
    }
    assert vars(Starlette)["__call__"] is before


def test_a_wrapper_that_somebody_has_wrapped_stays_and_does_nothing(monkeypatch):
    """Another library's wrapper around ours is left in place, and on again does not flush twice."""
    heard = []
    flush_at_lifespan_end(lambda millis: heard.append("flushed"))
    ours = vars(Starlette)["__call__"]

    async def theirs(self, scope, receive, send):
        await ours(self, scope, receive, send)

    monkeypatch.setattr(Starlette, "__call__", theirs)
    flush_off()
    live(FastAPI(), heard)
    flush_at_lifespan_end(lambda millis: heard.append("flushed"))
    live(FastAPI(), heard)
    whole = ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert (vars(Starlette)["__call__"], heard) == (theirs, [*whole, whole[0], "flushed", whole[1]])


DEFERRED = """
import sys
{hide}
from langwatch_otel.frameworks.lifespan import flush_at_lifespan_end, flush_off
for _ in range(100):
    flush_at_lifespan_end(print)
    flush_off()
{last}
early = "starlette" in sys.modules
from starlette.applications import Starlette
print("imported early:", early, "wrapped:", hasattr(Starlette.__call__, "__wrapped__"))
"""
NO_WRAPT = "sys.modules['wrapt'] = None"
ON = "flush_at_lifespan_end(print)"


@pytest.mark.parametrize(
    ("hide", "last", "printed"),
    [
        ("", ON, "imported early: False wrapped: True"),
        ("", "", "imported early: False wrapped: False"),
        (NO_WRAPT, ON, "imported early: True wrapped: True"),
    ],
)
def test_on_before_the_framework_is_imported(hide, last, printed):
    """With wrapt nothing is imported early, and off before the import stays off; without it we import."""
    assert python(DEFERRED.format(hide=hide, last=last)) == printed
