"""The kinds of endpoint that a FastAPI application has; each makes spans before, while and after it names."""

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.middleware.base import BaseHTTPMiddleware

import langwatch_otel as langwatch
from _making import NATIVE, WORK, Turn, kind


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


@kind("`Depends()` look-ups, named after them", "turn", *WORK, *LOOK_UPS)
def look_ups(app, make):
    @app.post("/turn", dependencies=[Depends(each) for each in dependencies(make)])
    @make.trace()
    async def turn(turn: Turn):
        make.work(turn.thread)


def named_in(naming, decorated):
    return lambda app, make: answering(app, make, decorated, dependencies(make, naming))


for naming, what in (
    ("in_async", "an `async def` dependency"),
    ("in_sync", "a `def` dependency"),
    ("in_async_yield", "an `async def` dependency with `yield`"),
    ("in_sync_yield", "a `def` dependency with `yield`"),
):
    kind(f"named in {what}", *WORK, *LOOK_UPS, "in the endpoint")(named_in(naming, False))
    kind(f"named in {what}, `@trace()`", *WORK, *LOOK_UPS, "in the endpoint", "turn")(named_in(naming, True))


@kind("named in `dependency_overrides`", *WORK, "in the endpoint")
def overridden(app, make):
    async def who(turn: Turn):
        raise AssertionError("not overridden")

    async def instead(turn: Turn):
        make.work(turn.thread)

    answering(app, make, False, [who])
    app.dependency_overrides[who] = instead


@kind("a method of a view", "View.turn", *WORK)
def view(app, make):
    class View:
        @make.trace()
        async def turn(self, turn: Turn):
            make.work(turn.thread)

    app.post("/turn")(View().turn)


@kind("a view made for each request, `self` a dependency", "look-up", "View.turn", *WORK)
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


@kind("an object with `__call__`", "View", *WORK)
def callable_object(app, make):
    class View:
        async def __call__(self, turn: Turn):
            make.work(turn.thread)

    app.post("/turn")(make.trace()(View()))


@kind(
    "a mounted application",
    *("turn", *WORK),
    note="contrib was given the outer application alone, so the inner one makes spans of its own in a trace of its own; "
    'with `FastAPI(telemetry={"tracing": False})` inside there is one trace, whole',
)
def mounted(app, make):
    inner = make.app()
    decorated(inner, make)
    app.mount("/", inner)


@kind('a mounted application with `telemetry={"tracing": False}`', "turn", *WORK)
def mounted_silent(app, make):
    inner = FastAPI(**({"telemetry": {"tracing": False, "metrics": False}} if NATIVE else {}))
    decorated(inner, make)
    app.mount("/", inner)


@kind("a router with a prefix", "turn", *WORK)
def routed(app, make):
    router = APIRouter()
    decorated(router, make)
    app.include_router(router)


@kind(
    "`BaseHTTPMiddleware`, named in the endpoint",
    *("on the way in", "turn", *WORK, "on the way out"),
    late="it runs the endpoint in a task of its own, and what follows beside that could be another conversation's: "
    "name with `set_conversation()` in a handler without `@trace()`, or wrap the exporter",
)
def middleware(app, make):
    async def dispatch(request, call_next):
        with make.span("on the way in"):
            pass
        response = await call_next(request)
        with make.span("on the way out"):
            pass
        return response

    decorated(app, make)
    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


@kind("`BaseHTTPMiddleware` with a span around, named in the endpoint", "around all", "turn", *WORK)
def middleware_around(app, make):
    async def dispatch(request, call_next):
        with make.span("around all"):
            return await call_next(request)

    decorated(app, make)
    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


@kind("named in `BaseHTTPMiddleware`", *WORK, "in the endpoint", "on the way out")
def named_in_middleware(app, make):
    async def dispatch(request, call_next):
        make.work((await request.json())["thread"])
        response = await call_next(request)
        with make.span("on the way out"):
            pass
        return response

    answering(app, make, False)
    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


@kind("`conversation()` around `call_next`", "before", "in the endpoint", "turn", "after")
def conversation_in_middleware(app, make):
    async def dispatch(request, call_next):
        thread = (await request.json())["thread"]
        with make.span("before"):
            pass
        with langwatch.conversation(thread_id=thread and make.note(thread)):
            response = await call_next(request)
        with make.span("after"):
            pass
        return response

    answering(app, make, True)
    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


def failing(error, decorated, handled):
    """An application whose endpoint raises `error` once it has named."""

    def build(app, make):
        async def handler(request, error):
            with make.span("in the handler"):
                pass
            return JSONResponse({}, getattr(error, "status_code", 500))

        async def turn(turn: Turn):
            make.work(turn.thread)
            raise error

        if handled:
            app.add_exception_handler(handled, handler)
        app.post("/turn")(make.trace()(turn) if decorated else turn)

    return build


for error, status, what in ((HTTPException(404), 404, "`HTTPException(404)`"), (ValueError("no"), 500, "`ValueError`")):
    kind(f"{what}, `@trace()`", "turn", *WORK, status=status)(failing(error, True, None))
    handled = kind(f"{what}, `@trace()`, with a handler", "turn", *WORK, "in the handler", status=status)
    handled(failing(error, True, type(error)))
    handled = kind(f"{what}, `set_conversation()`, with a handler", *WORK, "in the handler", status=status)
    handled(failing(error, False, type(error)))
handled = kind("`ValueError`, `@trace()`, with a handler of every `Exception`", "turn", *WORK, "in the handler", status=500)
handled(failing(ValueError("no"), True, Exception))
