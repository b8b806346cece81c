"""A place for the name of a request of which no span is recorded: unsampled, or without an SDK.

Otherwise the request's spans are that place. Without them a name that is given in a dependency, a task or a thread
would stay in the context of that place, and the endpoint would not see it.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context, attach, get_current

from langwatch_otel._guard import swallowed
from langwatch_otel.finding import SCOPE_KEY, request_scope, within
from langwatch_otel.functions import put_back
from langwatch_otel.inbound import arrival_in
from langwatch_otel.loan import enter_request
from langwatch_otel.open_span import open_span_in
from langwatch_otel.scope import Scope as Holder
from langwatch_otel.weak_names import receive as receive_arrival

from .visit import is_wanted
from .visits import begin
from .wrapping import MethodWrapper

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

Entry = Callable[..., Awaitable[None]]


def scopes_on() -> bool:
    """Open a scope around every request of a Starlette or FastAPI application that has no recording span by then."""
    return _application.on()


def scopes_off() -> None:
    """Open no more."""
    _application.off()


def _in_a_scope(original: Entry) -> Entry:
    @functools.wraps(original)
    async def called(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        if not _application.active or _begins_inside(self):
            return await original(self, scope, receive, send)
        return await served(functools.partial(original, self), self, scope, receive, send)

    return called


def _begins_inside(app: Any) -> bool:
    """Say whether the request begins further in: inside contrib's middleware, where a place of ours has been put."""
    try:
        inside = getattr(getattr(app.middleware_stack, "app", None), "app", None)
        # Not where the span of a pipelined request before is still the current one.
        return getattr(inside, "begins_requests", False) and open_span_in(get_current()) is None
    except Exception as error:  # The middleware is the application's: it may raise whatever it is asked for.
        swallowed("opening a scope for a request", error)
        return False


async def served(application: Entry, owner: object, scope: Scope, receive: Receive, send: Send) -> None:
    """Call `application` in the scope of its request, with a look for the sources of ids in that."""
    entered = visit = None
    try:
        entered = _Entered.of(owner, scope)
        visit = begin(scope, owner)
        if visit is not None:
            receive, send = visit.around(receive, send)
        if entered is not None:
            send = entered.around(send)
    except Exception as error:
        swallowed("opening a scope for a request", error)
    try:
        await application(scope, receive, send)
    finally:
        if visit is not None:
            try:
                visit.end(scope)
            except Exception as error:
                swallowed("looking for sources in a request", error)
        if entered is not None:
            entered.leave()


class _Entered:
    """A request in the scope that is attached for it."""

    def __init__(self, holder: Holder, context: Context) -> None:
        self._holder = holder
        self._place = request_scope.set(holder)
        self._token = attach(within(holder, context))

    @classmethod
    def of(cls, app: object, scope: Scope) -> _Entered | None:
        """Attach a scope, but not where a span is its place, nor in an application that is mounted."""
        if scope["type"] not in ("http", "websocket"):
            return None
        context = get_current()
        span = open_span_in(context)
        # Of a pipelined request uvicorn begins the context where that of the one before ended.
        over = span is not None and bool(span.ended) and is_wanted()
        if (span is not None and not over) or scope.get("app", app) is not app:
            return None
        above = context.get(SCOPE_KEY)
        holder = Holder(above if isinstance(above, Holder) and not over else None, implicit=True)
        holder.anchor = span
        if (arrival := arrival_in(context)) is not None:
            receive_arrival(holder, arrival)
        if scope["type"] == "http":
            holder.http = ""
            holder.flow = enter_request()
        return cls(holder, context)

    def around(self, send: Send) -> Send:
        """Close the scope with the last of the answer, as a server span ends: background tasks follow the request."""

        async def send_and_close(message: Message) -> None:
            await send(message)
            kind = message.get("type")
            if kind == "http.response.pathsend" or (kind == "http.response.body" and not message.get("more_body")):
                self._holder.closed = True

        return send_and_close

    def leave(self) -> None:
        """Put back what was there before."""
        self._holder.closed = True
        put_back(self._token)
        put_back(self._place)


_application = MethodWrapper("starlette.applications", "Starlette", "__call__", _in_a_scope)
