"""The kinds of endpoint that a FastAPI application has; each makes spans before, while and after it names."""

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Depends, FastAPI, Request

from _making import NATIVE, WORK, Turn, kind


@kind("an endpoint: `async def`, `@trace()`", "turn", *WORK)
def decorated(app, make):
    @app.post("/turn")
    @make.trace()
    async def turn(turn: Turn):
        make.work(turn.thread)


@kind("an endpoint: `def`, `@trace()`", "turn", *WORK)
def decorated_sync(app, make):
    @app.post("/turn")
    @make.trace()
    def turn(turn: Turn):
        make.work(turn.thread)


@kind("an endpoint: `@trace(thread_id=...)`", "turn", "inside")
def named_at_the_start(app, make):
    @app.post("/turn")
    @make.trace(thread_id=lambda turn, **_: turn.thread and make.note(turn.thread))
    async def turn(turn: Turn):
        with make.span("inside"):
            pass


@kind("an endpoint: `async def`, `set_conversation()`", *WORK)
def plain(app, make):
    @app.post("/turn")
    async def turn(turn: Turn):
        make.work(turn.thread)


@kind("an endpoint: `def`, `set_conversation()`", *WORK)
def plain_sync(app, make):
    @app.post("/turn")
    def turn(turn: Turn):
        make.work(turn.thread)


@kind("an endpoint: tasks, `asyncio.to_thread()`", "turn", *WORK, "in a task", "in another", "in a thread")
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
    "an endpoint: a thread of its own pool",
    *("turn", *WORK, "in the pool"),
    note="a `ThreadPoolExecutor` starts its threads without a context, so the span is the root of a trace of its own: "
    "`asyncio.to_thread()`, or `opentelemetry-instrumentation-threading`",
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


def dependencies(make, naming=None):
    """Look-ups of four kinds; the one called `naming` names."""

    async def in_async(turn: Turn):
        look_up("in_async", turn)

    def in_sync(turn: Turn):
        look_up("in_sync", turn)

    async def in_async_yield(turn: Turn):
        look_up("in_async_yield", turn)
        yield
        with make.span("clean-up"):
            pass

    def in_sync_yield(turn: Turn):
        look_up("in_sync_yield", turn)
        yield
        with make.span("clean-up"):
            pass

    def look_up(name, turn):
        with make.span("look-up"):
            pass
        if name == naming:
            make.work(turn.thread)

    return [in_async, in_sync, in_async_yield, in_sync_yield]


def answering(app, make, decorated, needs=()):
    """Add an endpoint that leaves the naming to others."""

    async def turn(turn: Turn):
        with make.span("in the endpoint"):
            pass

    app.post("/turn", dependencies=[Depends(each) for each in needs])(make.trace()(turn) if decorated else turn)


LOOK_UPS = (*["look-up"] * 4, *["clean-up"] * 2)


@kind(
    "look-ups in dependencies, named in the endpoint",
    *("turn", *WORK, *LOOK_UPS),
    late="" if NATIVE else "before FastAPI 0.118 a `def` dependency cleans up in a thread before the answer is sent",
)
def look_ups(app, make):
    @app.post("/turn", dependencies=[Depends(each) for each in dependencies(make)])
    @make.trace()
    async def turn(turn: Turn):
        make.work(turn.thread)


def named_in(naming, decorated):
    return lambda app, make: answering(app, make, decorated, dependencies(make, naming))


for naming, what in (
    ("in_async", "`async def`"),
    ("in_sync", "`def`"),
    ("in_async_yield", "`async def` with `yield`"),
    ("in_sync_yield", "`def` with `yield`"),
):
    kind(f"named in a dependency: {what}", *WORK, *LOOK_UPS, "in the endpoint")(named_in(naming, False))
    traced = kind(f"named in a dependency: {what}, `@trace()` endpoint", *WORK, *LOOK_UPS, "in the endpoint", "turn")
    traced(named_in(naming, True))


@kind("named in a dependency: by `dependency_overrides`", *WORK, "in the endpoint")
def overridden(app, make):
    async def who(turn: Turn):
        raise AssertionError("not overridden")

    async def instead(turn: Turn):
        make.work(turn.thread)

    answering(app, make, False, [who])
    app.dependency_overrides[who] = instead


@kind("class-based: a method of a view", "View.turn", *WORK)
def view(app, make):
    class View:
        @make.trace()
        async def turn(self, turn: Turn):
            make.work(turn.thread)

    app.post("/turn")(View().turn)


@kind("class-based: a view made for each request, `self` a dependency", "look-up", "View.turn", *WORK)
def view_of_a_request(app, make):
    class View:
        def __init__(self, request: Request):
            with make.span("look-up"):
                pass

        @make.trace()
        def turn(self, turn: Turn):
            make.work(turn.thread)

    signature = inspect.signature(View.turn)
    of_self, *others = signature.parameters.values()
    of_self = of_self.replace(default=Depends(View), kind=inspect.Parameter.KEYWORD_ONLY)
    View.turn.__signature__ = signature.replace(parameters=[*others, of_self])
    app.post("/turn")(View.turn)


@kind("class-based: an object with `__call__`", "View", *WORK)
def callable_object(app, make):
    class View:
        async def __call__(self, turn: Turn):
            make.work(turn.thread)

    app.post("/turn")(make.trace()(View()))


@kind(
    "mounted application: as it is",
    *("turn", *WORK),
    note="where contrib was given the outer application alone, the inner one makes its own, in a second trace; "
    'with `FastAPI(telemetry={"tracing": False})` inside there is one, whole',
)
def mounted(app, make):
    inner = make.app()
    decorated(inner, make)
    app.mount("/", inner)


@kind('mounted application: `telemetry={"tracing": False}`', "turn", *WORK)
def mounted_silent(app, make):
    inner = FastAPI(**({"telemetry": {"tracing": False, "metrics": False}} if NATIVE else {}))
    decorated(inner, make)
    app.mount("/", inner)


@kind("a router", "turn", *WORK)
def routed(app, make):
    router = APIRouter()
    decorated(router, make)
    app.include_router(router)
