"""Sends what is still queued when an ASGI application stops.

uvicorn raises SIGTERM again once it has shut down, so `atexit` never runs and all spans since the last
export would be lost.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from langwatch_otel._guard import guarded

from . import flushing
from .flushing import LIMIT_MILLIS, Flush
from .wrapping import MethodWrapper

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

Entry = Callable[..., Awaitable[None]]

LAST_MESSAGES = frozenset({"lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed"})


def flush_at_lifespan_end(flush: Flush, timeout_millis: int = LIMIT_MILLIS) -> None:
    """Call `flush(timeout_millis)` when an ASGI application stops, and wait for it that long at most."""
    flushing.add(flush, timeout_millis)
    _application.on()
    _server.on()


def flush_off() -> None:
    """Forget what `flush_at_lifespan_end` was given."""
    flushing.clear()
    _application.off()
    _server.off()


def _before_last_message(original: Entry) -> Entry:
    @functools.wraps(original)
    async def called(self: Any, scope: "Scope", receive: "Receive", send: "Send") -> None:
        # An application that is entered through another one finds that one in the scope.
        if _application.active and scope.get("type") == "lifespan" and "app" not in scope:
            send = _flushing(send)
        await original(self, scope, receive, send)

    return called


def _flushing(send: "Send") -> "Send":
    async def flush_then_send(message: "Message") -> None:
        if message.get("type") in LAST_MESSAGES:
            with guarded("flushing at the end of an ASGI lifespan"):
                await _flush_all()
        await send(message)

    return flush_then_send


def _after_shutdown(original: Entry) -> Entry:
    @functools.wraps(original)
    async def shutdown(self: Any, *args: Any, **kwargs: Any) -> None:
        await original(self, *args, **kwargs)
        if _server.active and not getattr(self, "force_exit", False):
            with guarded("flushing at the end of a server"):
                await _flush_all()

    return shutdown


async def _flush_all() -> None:
    if flushing.needed():
        from anyio import CapacityLimiter, to_thread

        # A limiter of our own, because an application that hangs may hold all places of the common one.
        await to_thread.run_sync(flushing.flush_all, limiter=CapacityLimiter(1))


_application = MethodWrapper("starlette.applications", "Starlette", "__call__", _before_last_message)
# For what the lifespan does not show: we were turned on within it, or the server runs without one.
_server = MethodWrapper("uvicorn.server", "Server", "shutdown", _after_shutdown)
