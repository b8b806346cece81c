"""A handler that answers with a stream is not done when it returns: its turn lasts until the body is sent."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator
from typing import Any

from opentelemetry.context import attach, get_current

from .functions import Running, put_back


def follow(response: Any, running: Running) -> bool:
    """Keep `running` open until the body of a Starlette response was sent, or the client went; False for others.

    A response that is never sent ends its turn when it is thrown away.
    """
    body = getattr(response, "body_iterator", None)
    if not hasattr(body, "__anext__"):
        return False
    thrown_away = weakref.finalize(response, running.finish, None)
    thrown_away.atexit = False
    response.body_iterator = _steps(body, running, thrown_away)
    return True


async def _steps(body: Any, running: Running, thrown_away: weakref.finalize[..., Any]) -> AsyncIterator[Any]:
    """Run each step of `body` in the context of the turn; the server never sees that context."""
    context, step = running.context, body.__anext__
    error: BaseException | None = None
    try:
        while True:
            token = attach(context)
            try:
                item = await step()
            except StopAsyncIteration:
                return
            finally:
                context = get_current()
                put_back(token)
            running.chunk(_text(item))
            yield item
    except BaseException as raised:
        error = raised
        token = attach(context)
        try:
            if (close := getattr(body, "aclose", None)) is not None:
                await close()
        finally:
            put_back(token)
        raise
    finally:
        thrown_away.detach()
        if error is None or isinstance(error, GeneratorExit):
            running.finish(None)
        else:
            running.fail(error)
        error = None


def _text(item: object) -> object:
    return bytes(item).decode("utf-8", "ignore") if isinstance(item, (bytes, bytearray, memoryview)) else item
