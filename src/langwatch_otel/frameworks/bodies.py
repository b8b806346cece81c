"""Ends a body that the client did not wait for, where the handler is not decorated and the body runs in threads.

Starlette never closes such a generator, and its own frames keep it from being thrown away at once: the span of the
model's stream that it reads would end at the next garbage collection, in the middle of another request.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from opentelemetry.context import get_current

from langwatch_otel._guard import guarded
from langwatch_otel.streaming import close_in_a_thread, in_threads

from .wrapping import MethodWrapper

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Method = Callable[..., Awaitable[None]]


def bodies_end_on() -> bool:
    """Close the generator of every streaming response that is over before its generator is."""
    return _response.on()


def bodies_end_off() -> None:
    """Leave them to the garbage collector."""
    _response.off()


def _closing(original: Method) -> Method:
    @functools.wraps(original)
    async def called(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        body = None
        if _response.active:
            with guarded("looking at the body of a response"):
                body = in_threads(self.body_iterator)
        try:
            await original(self, scope, receive, send)
        finally:
            # After its background tasks, which may read on to save the whole answer.
            if body is not None:
                with guarded("closing a body that was broken off"):
                    close_in_a_thread(body, get_current())

    return called


_response = MethodWrapper("starlette.responses", "StreamingResponse", "__call__", _closing)
