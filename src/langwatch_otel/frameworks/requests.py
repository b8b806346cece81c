"""A place for the name of a request of which no span is recorded: unsampled, or without an SDK.

Otherwise the request's spans are that place. Without them a name that is given in a dependency, a task or a thread
would stay in the context of that place, and the endpoint would not see it.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, get_current

from langwatch_otel._guard import guarded
from langwatch_otel.functions import put_back
from langwatch_otel.inbound import arrival_in
from langwatch_otel.loan import enter_request
from langwatch_otel.naming import SCOPE_KEY, within
from langwatch_otel.open_span import open_span_in
from langwatch_otel.scope import Scope as Holder
from langwatch_otel.scope import receive

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
    async def __call__(self: Any, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: N807
        entered = None
        if _application.active:
            with guarded("opening a scope for a request"):
                entered = _enter(self, scope)
        if entered is None:
            return await original(self, scope, receive, send)
        holder, token = entered
        try:
            return await original(self, scope, receive, _closing(holder, send))
        finally:
            holder.close()
            put_back(token)

    return __call__


def _enter(app: object, scope: Scope) -> tuple[Holder, Any] | None:
    """Attach the scope of a request, but not where a span is its place, nor in an application that is mounted."""
    context = get_current()
    if scope["type"] not in ("http", "websocket") or open_span_in(context) is not None:
        return None
    if scope.get("app", app) is not app:
        return None
    above = context.get(SCOPE_KEY)
    holder = Holder(above if isinstance(above, Holder) else None)
    holder.implicit = True
    if (arrival := arrival_in(context)) is not None:
        receive(holder, arrival)
    if scope["type"] == "http":
        holder.http = ""
        holder.flow = enter_request()
    return holder, attach(within(holder, context))


def _closing(holder: Holder, send: Send) -> Send:
    """Close the scope with the last of the response, as a server span ends: background tasks follow the request."""

    async def send_and_close(message: Message) -> None:
        await send(message)
        if message.get("type") == "http.response.body" and not message.get("more_body"):
            holder.close()

    return send_and_close


_application = MethodWrapper("starlette.applications", "Starlette", "__call__", _in_a_scope)
