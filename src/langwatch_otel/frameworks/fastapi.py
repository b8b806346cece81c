"""Request spans for FastAPI older than 0.142, which makes none itself.

`FastAPIInstrumentor().instrument()` misses an application that was created before it, or from a class that
was imported before it. Here each application is instrumented when it is first called, so none is missed.
"""

import functools
import importlib.util
import threading
import weakref
from collections.abc import Awaitable, Callable
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import get_tracer_provider

from langwatch_otel._fork import free_after_fork
from langwatch_otel._guard import guarded, say_once

from .wrapping import MethodWrapper, installed

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.trace import TracerProvider
    from starlette.types import ASGIApp, Receive, Scope, Send

CONTRIB = "opentelemetry.instrumentation.fastapi"

# Contrib's mark on an application, Starlette or FastAPI, that has its middleware.
INSTRUMENTED = "_is_instrumented_by_opentelemetry"

_STACK = "_langwatch_otel_stack"

# By `id`, because an application need not be hashable.
_seen: "dict[int, weakref.ref[FastAPI]]" = {}
_lock = free_after_fork(threading.Lock())
_provider: "TracerProvider | None" = None
_background_before: dict[str, Any] | None = None


def spans_on(tracer_provider: "TracerProvider | None" = None) -> bool:
    """Give every FastAPI application contrib's request spans; return False where FastAPI makes its own.

    Also False where FastAPI or contrib's instrumentation is not installed. An application that instruments
    itself is left alone.
    """
    global _provider
    if not installed("fastapi") or _makes_its_own() or not installed(CONTRIB):
        return False
    _provider = tracer_provider
    return _entry.on()


def warn_of_another_provider(tracer_provider: "TracerProvider") -> None:
    """Say so where FastAPI makes its spans with another provider than this one."""
    if tracer_provider is not get_tracer_provider() and installed("fastapi") and _makes_its_own():
        say_once(
            "this FastAPI makes its spans with the global tracer provider, which is not the one given:"
            ' FastAPI(telemetry={"tracer_provider": provider}) has it use yours'
        )


def spans_off() -> None:
    """Take back what `spans_on` did to every application, also to those that are serving."""
    global _provider, _background_before
    _entry.off()
    with _lock:
        background = None if _background_before is None else _contribs_background()
        for app in [reference() for reference in list(_seen.values())]:
            with guarded("taking contrib's spans off a FastAPI application"):
                _uninstrument(app)
        _seen.clear()
        # Contrib stops following background tasks with any application; others of its had them before us.
        if background and background == _background_before:
            _follow_background(background)
        _provider = _background_before = None


def _makes_its_own() -> bool:
    """Return whether this FastAPI has spans of its own, without importing it."""
    spec = importlib.util.find_spec("fastapi")
    where = spec.submodule_search_locations if spec else None
    return PathFinder.find_spec("fastapi.telemetry", where) is not None


def _entered(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(original)
    async def called(self: "FastAPI", scope: "Scope", receive: "Receive", send: "Send") -> None:
        if _entry.active and id(self) not in _seen:
            with guarded("adding contrib's spans to a FastAPI application"):
                _first_call(self, scope)
        await original(self, scope, receive, send)

    return called


def _first_call(app: "FastAPI", scope: "Scope") -> None:
    # A mounted application belongs to the request span of the one around it.
    if getattr(scope.get("app"), INSTRUMENTED, False):
        return
    with _lock:
        key = id(app)
        if not _entry.active or key in _seen:
            return
        _seen[key] = weakref.ref(app, lambda _: _seen.pop(key, None))
        if app.middleware_stack is None:
            app.middleware_stack = app.build_middleware_stack()
        if not getattr(app, INSTRUMENTED, False) and not _has_contrib(app.middleware_stack):
            _instrument(app)


def _has_contrib(stack: "ASGIApp | None") -> bool:
    """Return whether contrib's middleware stands in `stack`, as where `add_middleware` put it."""
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    while stack is not None and not isinstance(stack, OpenTelemetryMiddleware):
        stack = getattr(stack, "app", None)
    return stack is not None


class _Stack:
    """Builds an application's middleware stack, starting with the one it had.

    Contrib builds the stack anew, on and off. Middleware that counts or that registers itself is not made
    for being constructed twice, so it gets the one that is there.
    """

    def __init__(self, app: "FastAPI") -> None:
        self.had = self.next = app.middleware_stack
        self.build = app.build_middleware_stack
        self.own_build = vars(app).get("build_middleware_stack")
        self.contribs_build: Any = None
        self.contribs: ASGIApp | None = None

    def __call__(self) -> "ASGIApp":
        stack, self.next = self.next, None
        return self.build() if stack is None else stack

    def leave(self, app: "FastAPI") -> None:
        """Let `app` build its stack as it did before."""
        if self.own_build is None:
            del app.build_middleware_stack
        else:
            vars(app)["build_middleware_stack"] = self.own_build


def _instrument(app: "FastAPI") -> None:
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    global _background_before
    if _background_before is None:
        _background_before = _contribs_background()
    stack = _Stack(app)
    vars(app)["build_middleware_stack"] = stack
    try:
        FastAPIInstrumentor.instrument_app(app, tracer_provider=_provider)
        stack.contribs_build = app.build_middleware_stack
        app.middleware_stack = stack.contribs = app.build_middleware_stack()
    except Exception:
        stack.leave(app)
        raise
    setattr(app, _STACK, stack)


def _uninstrument(app: "FastAPI | None") -> None:
    stack: _Stack | None = None if app is None else vars(app).pop(_STACK, None)
    # An application that has undone or redone it meanwhile has the last word.
    if app is None or stack is None or vars(app).get("build_middleware_stack") is not stack.contribs_build:
        return
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    stack.next = stack.had if app.middleware_stack is stack.contribs else None
    FastAPIInstrumentor.uninstrument_app(app)
    stack.leave(app)


def _contribs_background() -> dict[str, Any]:
    """Return what contrib has put on background tasks; empty without it."""
    from starlette.background import BackgroundTask

    names = ("__call__", "_otel_original_call")
    found = {name: vars(BackgroundTask)[name] for name in names if name in vars(BackgroundTask)}
    return found if len(found) == len(names) else {}


def _follow_background(put: dict[str, Any]) -> None:
    from starlette.background import BackgroundTask

    for name, value in put.items():
        setattr(BackgroundTask, name, value)


_entry = MethodWrapper("fastapi.applications", "FastAPI", "__call__", _entered)
