"""Applications that know nothing of us, served for real, and requests to them as bytes."""

import hashlib
import http.client
import json
import threading
from contextlib import closing, contextmanager

import fastapi
from fastapi import BackgroundTasks, Request, WebSocket, WebSocketDisconnect
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from _making import NATIVE
from _recorder import recording
from langwatch_otel.cli.app_server import AppServer

FASTAPIS = [*(["FastAPI's own"] if NATIVE else []), "instrument_app()", "instrument()"]
MODES = [*FASTAPIS, "Starlette"]


class Turn(BaseModel):
    thread_id: str | None = None


class Server:
    """An application on a real uvicorn, and what became of the requests to it."""

    def __init__(self, recorder, app):
        self.recorder, self.app = recorder, app
        self.over = threading.Semaphore(0)

    async def __call__(self, scope, receive, send):
        try:
            await self.app(scope, receive, send)
        finally:
            if scope["type"] != "lifespan":
                self.over.release()

    def wait(self, requests=1):
        """Return when so many more requests are over, background tasks and all."""
        for _ in range(requests):
            assert self.over.acquire(timeout=20)

    @contextmanager
    def running(self):
        """The port is open."""
        with AppServer(self) as server:
            self.port = server.port
            yield self

    def send(self, method, path, body=None, headers=()):
        """The status and the body of the answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            found = answer.status, answer.read()
            self.wait()
            return found

    def post(self, path, value=None, headers=()):
        """The same of a JSON body."""
        return self.send(
            "POST", path, json.dumps(value).encode(), {"Content-Type": "application/json", **dict(headers)}
        )

    def found(self, key="session.id"):
        """{name: values} of all spans so far."""
        found = {}
        for span in self.recorder.spans:
            found.setdefault(short(span.name), set()).add(span.attributes.get(key))
        return found

    def everywhere(self, key="session.id"):
        """Every value that some span has."""
        return {value for values in self.found(key).values() for value in values}


def short(name):
    """Leave out the route."""
    for kind in (" http ", " websocket "):
        before, _, message = name.rpartition(kind)
        if before:
            return kind[1:] + message
    return name.split(" ")[0] if "/" in name else name


class Echo(Response):
    """An answer that begins before it has read the request. (Starlette's own would read from two places at once.)"""

    def __init__(self, request, span):
        super().__init__()
        self.request, self.span = request, span

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for chunk in self.request.stream():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        with self.span("after"):
            pass
        await send({"type": "http.response.body", "body": b""})


def answers(recorder, extra=()):
    """{path: endpoint} as functions of a Starlette request."""
    span = recorder.tracer.start_as_current_span

    async def inside(request):
        with span("inside"):
            return JSONResponse({})

    async def raw(request):
        with span("before"):
            pass
        body = await request.body()
        with span("inside"):
            return JSONResponse(hashlib.sha256(body).hexdigest())

    async def chunks(request):
        found = hashlib.sha256()
        with span("inside"):
            async for chunk in request.stream():
                found.update(chunk)
        with span("after"):
            return JSONResponse(found.hexdigest())

    async def echo(request):
        return Echo(request, span)

    return {"/inside/{name}": inside, "/raw": raw, "/chunks": chunks, "/echo": echo, **dict(extra)}


async def socket_of_turns(websocket, span):
    """Answers each text message with the span of its turn."""
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            with span("turn"):
                await websocket.send_text("ok")
    except WebSocketDisconnect:
        return


def application(mode, recorder, build=None, extra=()):
    """An application that is traced in `mode`; `build` gives it more routes."""
    span = recorder.tracer.start_as_current_span

    async def socket(websocket: WebSocket):
        await socket_of_turns(websocket, span)

    if mode == "Starlette":
        routes = [Route(path, each, methods=["GET", "POST"]) for path, each in answers(recorder, extra).items()]
        return Starlette(routes=[*routes, WebSocketRoute("/socket/{name}", socket)])
    own = {"tracer_provider": recorder.provider, "metrics": False, "tracing": mode == "FastAPI's own", "logs": False}
    app = fastapi.FastAPI(openapi_url=None, **({"telemetry": own} if NATIVE else {}))

    @app.post("/chat/{name}")
    async def chat(turn: Turn, name: str, tasks: BackgroundTasks):
        def background():
            with span("background"):
                pass

        tasks.add_task(background)
        with span("inside"):
            return {}

    @app.post("/sync/{name}")
    def sync(turn: Turn, name: str):
        with span("inside"):
            return {}

    for path, each in answers(recorder, extra).items():
        app.add_api_route(path, _of(each), methods=["GET", "POST"])
    app.websocket("/socket/{name}")(socket)
    if build is not None:
        build(app, recorder)
    if mode == "instrument_app()":
        FastAPIInstrumentor.instrument_app(app, tracer_provider=recorder.provider)
    return app


def _of(each):
    async def endpoint(request: Request):
        return await each(request)

    return endpoint


@contextmanager
def serving(mode, build=None, late=False, extra=(), options=(), **settings):
    """A server of `application(mode)`, with these settings."""
    with recording(late=late, settings=settings, **dict(options)) as recorder:
        contrib = FastAPIInstrumentor()
        if mode == "instrument()":
            contrib.instrument(tracer_provider=recorder.provider)
        try:
            app = application(mode, recorder, build, extra)
            with Server(recorder, app).running() as server:
                yield server
        finally:
            if mode == "instrument()":
                contrib.uninstrument()
            elif mode == "instrument_app()":
                contrib.uninstrument_app(app)
