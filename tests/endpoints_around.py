"""Kinds of endpoint with something around them: middleware, and handlers of exceptions."""

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.middleware.base import BaseHTTPMiddleware

import langwatch_otel as langwatch
from _making import WORK, Turn, kind
from endpoints import answering, decorated, plain


def middleware(endpoint):
    """An application with middleware that makes spans before the endpoint and after."""

    def build(app, make):
        async def dispatch(request, call_next):
            with make.span("on the way in"):
                pass
            response = await call_next(request)
            with make.span("on the way out"):
                pass
            return response

        endpoint(app, make)
        app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

    return build


AROUND = ("on the way in", "on the way out")
kind("`BaseHTTPMiddleware`: named in the endpoint, `set_conversation()`", *AROUND, *WORK)(middleware(plain))
kind(
    "`BaseHTTPMiddleware`: named in the endpoint, `@trace()`",
    *(*AROUND, *WORK, "turn"),
)(middleware(decorated))


@kind("`BaseHTTPMiddleware`: a span around, named in the endpoint, `@trace()`", "around all", "turn", *WORK)
def middleware_around(app, make):
    async def dispatch(request, call_next):
        with make.span("around all"):
            return await call_next(request)

    decorated(app, make)
    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


@kind("`BaseHTTPMiddleware`: named in it", *WORK, "in the endpoint", "on the way out")
def named_in_middleware(app, make):
    async def dispatch(request, call_next):
        make.work((await request.json())["thread"])
        response = await call_next(request)
        with make.span("on the way out"):
            pass
        return response

    answering(app, make, False)
    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


@kind("`BaseHTTPMiddleware`: `conversation()` around `call_next()`", "before", "in the endpoint", "turn", "after")
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


for error, what in ((HTTPException(404), "`HTTPException(404)`"), (ValueError("no"), "`ValueError`, so 500")):
    more = {"status": getattr(error, "status_code", 500)}
    kind(f"{what}: `@trace()`", *WORK, "turn", **more)(failing(error, True, None))
    for handled in dict.fromkeys((type(error), *([Exception] if more["status"] == 500 else []))):
        label = f"{what}: with a handler of `{handled.__name__}`, "
        kind(label + "`@trace()`", *WORK, "turn", "in the handler", **more)(failing(error, True, handled))
        kind(label + "`set_conversation()`", *WORK, "in the handler", **more)(failing(error, False, handled))
