"""A handler that answers with a stream is not done when it returns: its turn lasts until the body is sent."""

from __future__ import annotations

import contextvars
import inspect
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.context import Context, attach, get_current

from ._guard import guarded
from .functions import put_back

if TYPE_CHECKING:
    import asyncio

    from .functions import Running

_closing: set[asyncio.Task[None]] = set()


def follow(response: Any, running: Running) -> bool:
    """Keep `running` open until the body of a Starlette response was sent, or the client went; False for others.

    A body that is broken off is closed at once, so that the model's stream which it reads ends with it; Starlette
    leaves that to the garbage collector. A response that is never sent ends its turn when it is thrown away.
    """
    body = getattr(response, "body_iterator", None)
    if not hasattr(body, "__anext__"):
        return False
    thrown_away = weakref.finalize(response, running.finish, None)
    thrown_away.atexit = False
    steps = response.body_iterator = cast("AsyncGeneratorType[Any, None]", _steps(body, running, thrown_away))
    if hasattr(type(response), "stream_response"):
        response.stream_response = _closing_at_the_end(weakref.ref(response), steps)
    return True


async def _steps(body: Any, running: Running, thrown_away: weakref.finalize[..., Any]) -> AsyncGenerator[Any, None]:
    """Run each step of `body` in the context of the turn; the server never sees that context."""
    context, step = running.context, body.__anext__
    synchronous = None
    with guarded("looking at the body of a response"):
        synchronous = in_threads(body)
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
            if synchronous is not None:
                close_in_a_thread(synchronous, context)
        raise
    finally:
        thrown_away.detach()
        if error is None or isinstance(error, GeneratorExit):
            running.finish(None)
        else:
            running.fail(error)
        error = None


def _closing_at_the_end(
    response: weakref.ref[Any], steps: AsyncGeneratorType[Any, None]
) -> Callable[[Any], Awaitable[None]]:
    async def stream_response(send: Any) -> None:
        whole: Any = response()  # Weakly until now: a response that is thrown away goes at once.
        try:
            await type(whole).stream_response(whole, send)
        finally:
            with guarded("closing a body that was broken off"):
                _close_soon(steps)

    return stream_response


def _close_soon(steps: AsyncGeneratorType[Any, None]) -> None:
    """Close a body that waits for the client to take its last piece, in a task of its own: ours is cancelled."""
    if steps.ag_frame is None:
        return
    import asyncio  # Loaded long before; importing us must not load it.

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # Under trio, which closes it when it is thrown away.
        return
    task = loop.create_task(_close(steps))
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _close(steps: AsyncGeneratorType[Any, None]) -> None:
    await steps.aclose()


def in_threads(body: Any) -> GeneratorType[Any, Any, Any] | None:
    """Return the generator that Starlette runs in threads, and never closes, for a synchronous body."""
    if getattr(getattr(body, "ag_code", None), "co_name", None) != "iterate_in_threadpool":
        return None
    found = body.ag_frame.f_locals.get("iterator") if body.ag_frame is not None else None
    return found if inspect.isgenerator(found) else None


def close_in_a_thread(generator: GeneratorType[Any, Any, Any], context: Context) -> None:
    """Close `generator`, in `context`, unless it is over."""
    # In a thread because its clean-up may block, as its steps may; there nothing can be waited for any more.
    if generator.gi_frame is None or generator.gi_running:
        return

    def close() -> None:
        token = attach(context)
        try:
            generator.close()
        finally:
            put_back(token)

    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(close,), name="langwatch-otel-close", daemon=True).start()


def _text(item: object) -> object:
    return bytes(item).decode("utf-8", "ignore") if isinstance(item, (bytes, bytearray, memoryview)) else item
