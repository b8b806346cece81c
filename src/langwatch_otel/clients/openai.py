"""Spans of the `opentelemetry-instrumentation-openai` package, ended with the stream that they are about.

Where a task that reads a stream is cancelled, as when the client of a web server goes away, or an `async with` block
is left early, that package ends the span when the stream is garbage: late, and perhaps never.
Turned off, it leaves its wrappers on OpenAI's methods, where they go on making spans.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from langwatch_otel._guard import guarded
from langwatch_otel.frameworks.wrapping import Method, MethodWrapper, installed

_INSTRUMENTATION = "opentelemetry.instrumentation.openai"


def is_mended(instrumentor: object) -> bool:
    """Say whether `instrumentor` is of the package whose streams `on` mends."""
    module = type(instrumentor).__module__
    return module == _INSTRUMENTATION or module.startswith(_INSTRUMENTATION + ".")


def on() -> None:
    """Mend the streams of that package, wherever it is installed, as soon as it is imported."""
    if installed(_INSTRUMENTATION):
        for hook in _hooks:
            hook.on()


def off() -> None:
    """Leave them as they are."""
    for hook in _hooks:
        hook.off()


def turn_off(instrumentor: Any) -> None:
    """Turn `instrumentor` off, and where it is of that package, take off the wrappers that it leaves."""
    instrumentor.uninstrument()
    if is_mended(instrumentor):
        for owner, method, wrapper in list(_wrapped()):
            setattr(owner, method, wrapper.__wrapped__)


def _wrapped() -> Iterator[tuple[type, str, Any]]:
    """Yield the methods of OpenAI's client that have a wrapper of that package on top."""
    for name, module in list(sys.modules.items()):
        for owner in list(vars(module).values()) if name.startswith("openai.resources.") else ():
            if isinstance(owner, type) and owner.__module__ == name:
                for method, found in list(vars(owner).items()):
                    made_by = getattr(found, "_self_wrapper", None)  # As wrapt has it.
                    if str(getattr(made_by, "__module__", "")).startswith(_INSTRUMENTATION + "."):
                        yield owner, method, found


def _end_span(stream: Any) -> None:
    """Have the instrumentation itself end its span, with what came so far; once ended, it does nothing."""
    with guarded("ending the span of a stream"):
        end = getattr(stream, "_ensure_cleanup", None)
        if end is not None:
            end()


def _hook(module: str, kind: str, method: str, wrap: Callable[[Method, Callable[[], bool]], Method]) -> MethodWrapper:
    hook: MethodWrapper = MethodWrapper(
        f"{_INSTRUMENTATION}.{module}", kind, method, lambda original: wrap(original, lambda: hook.active)
    )
    return hook


def _step(method: Method, active: Callable[[], bool]) -> Method:
    @functools.wraps(method)
    async def step(stream: Any) -> Any:
        try:
            return await method(stream)
        except Exception:  # The instrumentation's own affair, StopAsyncIteration among them.
            raise
        except BaseException:
            if active():
                _end_span(stream)
            raise

    return step


def _leave(method: Method, active: Callable[[], bool]) -> Method:
    @functools.wraps(method)
    async def leave(stream: Any, *error: Any) -> Any:
        if active():
            _end_span(stream)
        return await method(stream, *error)

    return leave


_hooks = (
    _hook("shared.chat_wrappers", "ChatStream", "__anext__", _step),
    _hook("shared.chat_wrappers", "ChatStream", "__aexit__", _leave),
    _hook("v1.responses_wrappers", "ResponseStream", "__anext__", _step),
)
