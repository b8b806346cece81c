"""The kinds of endpoint that a FastAPI application has; each makes spans before, while and after it names."""

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware

import langwatch_otel as langwatch
from _measuring import WORK, Kind

KINDS = []


class Turn(BaseModel):
    thread: str | None


def kind(label, *spans, **more):
    """Add a kind of endpoint: the decorated function gives an application its routes."""

    def add(build):
        KINDS.append(Kind(label, build, spans, **more))
        return build

    return add


@kind("`async def`, `@trace()`", "turn", *WORK)
def decorated(app, make):
    @app.post("/turn")
    @make.trace()
    async def turn(turn: Turn):
        make.work(turn.thread)


@kind("`def`, `@trace()`", "turn", *WORK)
def decorated_sync(app, make):
    @app.post("/turn")
    @make.trace()
    def turn(turn: Turn):
        make.work(turn.thread)


@kind("`@trace(thread_id=...)`", "turn", "inside")
def named_at_the_start(app, make):
    @app.post("/turn")
    @make.trace(thread_id=lambda turn, **_: turn.thread and make.note(turn.thread))
    async def turn(turn: Turn):
        with make.span("inside"):
            pass


@kind("`async def`, `set_conversation()`", *WORK)
def plain(app, make):
    @app.post("/turn")
    async def turn(turn: Turn):
        make.work(turn.thread)


@kind("`def`, `set_conversation()`", *WORK)
def plain_sync(app, make):
    @app.post("/turn")
    def turn(turn: Turn):
        make.work(turn.thread)


@kind("tasks, and a thread by `asyncio.to_thread`", "turn", *WORK, "in a task", "in another", "in a thread")
def tasks(app, make):
    async def task(name, before):
        if before is not None:
            await before.wait()
        with make.span(name):
            await asyncio.sleep(0)

    def thread():
        with make.span("in a thread"):
            pass

    @app.post("/turn")
    @make.trace()
    async def turn(turn: Turn):
        named = asyncio.Event()
        started_before = asyncio.create_task(task("in a task", named))
        make.work(turn.thread)
        named.set()
        await asyncio.gather(started_before, task("in another", None), asyncio.to_thread(thread))


@kind(
    "a thread of the application's own pool",
    *("turn", *WORK, "in the pool"),
    lacking=("in the pool",),
    why="a `ThreadPoolExecutor` starts its threads without a context, so the span is the root of a trace of its own",
)
def pool(app, make):
    def work():
        with make.span("in the pool"):
            pass

    @app.post("/turn")
    @make.trace()
    def turn(turn: Turn):
        make.work(turn.thread)
        with ThreadPoolExecutor() as pool:
            pool.submit(work).result()


def dependencies(make):
    """Look-ups of four kinds; given a name, each does the naming."""

    async def in_async(turn: Turn, request: Request):
        look_up("async", turn, request)

    def in_sync(turn: Turn, request: Request):
        look_up("sync", turn, request)

    async def in_async_yield(turn: Turn, request: Request):
        look_up("async yield", turn, request)
        yield
        with make.span("clean-up"):
            pass

    def in_sync_yield(turn: Turn, request: Request):
        look_up("sync yield", turn, request)
        yield
        with make.span("clean-up"):
            pass

    def look_up(name, turn, request):
        with make.span("look-up"):
            pass
        if request.headers["names"] == name:
            make.work(turn.thread)

    return [in_async, in_sync, in_async_yield, in_sync_yield]


def answer(app, make, decorated=True, needs=()):
    """An endpoint that leaves the naming to others."""

    async def turn(turn: Turn):
        with make.span("in the endpoint"):
            pass

    app.post("/turn", dependencies=[Depends(each) for each in needs])(make.trace()(turn) if decorated else turn)


LOOK_UPS = ("look-up",) * 4 + ("clean-up",) * 2


@kind("`Depends()` look-ups, named after them", "turn", *WORK, *LOOK_UPS)
def look_ups(app, make):
    @app.post("/turn", dependencies=[Depends(each) for each in dependencies(make)])
    @make.trace()
    async def turn(turn: Turn):
        make.work(turn.thread)


def named_in(name, decorated):
    """An application that names in the dependency `name`, with other dependencies around it."""

    def build(app, make):
        answer(app, make, decorated, dependencies(make))
        app.add_middleware(BaseHTTPMiddleware, dispatch=tell)

    async def tell(request, call_next):
        request.scope["headers"].append((b"names", name.encode()))
        return await call_next(request)

    return build
