"""The hooks inside a request that sources need: where contrib's span begins, where a route is chosen, where FastAPI
hands over the body that it has parsed.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from langwatch_otel._guard import swallowed
from langwatch_otel.finding import handled_here

from .requests import served
from .visit import KEY, Asgi, is_wanted
from .wrapping import MethodWrapper, installed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

CONTRIB = "opentelemetry.instrumentation.asgi"

Method = Callable[..., Awaitable[Any]]


def sources_on() -> None:
    """Look where requests are handled, and for ids in them where a setting says where they are."""
    if is_wanted() and installed(CONTRIB):
        _contrib.on()
    for hook in (*_ROUTES, _dependencies):
        hook.on()


def sources_off() -> None:
    """Look no more, also where contrib's middleware holds what we put inside it."""
    for hook in (_contrib, *_ROUTES, _dependencies):
        hook.off()


class Inside:
    """Stands inside contrib's middleware, where the server span of the request is the current one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app  # By that name others walk through a stack of middleware.

    @property
    def begins_requests(self) -> bool:
        """Whether a request begins here, and not where the application is called."""
        return _contrib.active

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _contrib.active or scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        return await served(self.app, scope.get("app"), scope, receive, send)


def _inside(original: Method) -> Method:
    @functools.wraps(original)
    async def called(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        if _contrib.active and not isinstance(self.app, Inside):
            self.app = Inside(self.app)
        await original(self, scope, receive, send)

    return called


def _take_note(asgi: Asgi) -> None:
    """Remember in which task an HTTP request is handled."""
    try:
        if _dependencies.active and asgi["type"] == "http":
            handled_here()
    except Exception as error:
        swallowed("looking where a request is handled", error)


def _routed(original: Method) -> Method:
    @functools.wraps(original)
    async def handle(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        _take_note(scope)
        visit = scope.get(KEY)
        if visit is not None:
            try:
                visit.routed(scope)
                if not hasattr(self, "dependant"):  # FastAPI's routes have one, and parse.
                    visit.left_to_itself()
            except Exception as error:
                swallowed("looking at the path of a request", error)
        await original(self, scope, receive, send)

    return handle


def _handed_over(original: Method) -> Method:
    @functools.wraps(original)
    async def solve_dependencies(*args: Any, **given: Any) -> Any:
        try:
            asgi = given["request"].scope
            visit = asgi.get(KEY)
            if visit is None or not visit.is_routed:  # Else it was noted at the route.
                _take_note(asgi)
            if visit is not None:
                visit.handed_over(asgi, given.get("body"))
        except Exception as error:
            swallowed("looking at what FastAPI has parsed", error)
        return await original(*args, **given)

    return solve_dependencies


_contrib = MethodWrapper(CONTRIB, "OpenTelemetryMiddleware", "__call__", _inside)
_ROUTES = (
    MethodWrapper("starlette.routing", "Route", "handle", _routed),
    MethodWrapper("starlette.routing", "WebSocketRoute", "handle", _routed),
)
# Once a request, before any dependency runs: what it calls for those in turn is another module's name.
_dependencies = MethodWrapper("fastapi.routing", "", "solve_dependencies", _handed_over)
