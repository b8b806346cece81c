"""Spans of a provider that takes no span processors, such as ddtrace's: ids are put on them as they start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from opentelemetry.context import Context, attach, create_key, detach, get_current, get_value, set_value
from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider, Tracer

from . import tracers
from ._guard import guarded, say_once, swallowed
from .finding import scope_in
from .genai import has_genai_key, is_genai_scope
from .open_span import NO_KEYS, OpenSpan, open_span_in
from .rendering import NOTHING, Rendered

_PROBE = create_key("langwatch_otel.probe")


class ForeignSpan(OpenSpan):
    """A span whose attributes cannot be read, and whose end nobody hears of."""

    __slots__ = ("taken",)
    taken: frozenset[str]
    """What its creator set."""

    def restamp(self, rendered: Rendered) -> None:
        """Write what its scope says now, whose thread is final unless it came in by baggage."""
        span: Any = self()
        if span is None or not span.is_recording():
            return
        self.stamped = rendered
        wanted = rendered.for_span(self.genai, False)
        span.set_attributes({key: value for key, value in wanted.items() if key not in self.taken})


def takes_no_processors(provider: Any) -> bool:
    """Say whether `provider` is one that somebody set, and that makes spans which nobody hears of."""
    nothing = (ProxyTracerProvider, NoOpTracerProvider)
    return not isinstance(provider, nothing) and not hasattr(provider, "add_span_processor")


def follow(provider: Any) -> Callable[[], None]:
    """Put ids on the spans that tracers of `provider` start from now on; return what undoes it."""
    get_tracer, theirs = provider.get_tracer, vars(provider).get("get_tracer")
    over: list[bool] = []

    def get_followed(*args: Any, **kwargs: Any) -> Tracer:
        tracer: Tracer = get_tracer(*args, **kwargs)
        with guarded("following a tracer"):
            start: Any = tracer.start_span
            if isinstance(start, partial) and start.func is _start:
                start = start.args[0]  # A provider may give the same tracer again.
            name = args[0] if args else kwargs.get("instrumenting_module_name")
            vars(tracer)["start_span"] = partial(_start, start, over, is_genai_scope(str(name)))
        return tracer

    provider.get_tracer = get_followed
    tracers.renew()
    _say_what_does_not_hold()

    def stop() -> None:
        over.append(True)
        # Where somebody wrapped ours in turn it stays, and does nothing.
        if vars(provider).get("get_tracer") is get_followed:
            if theirs is None:
                del provider.get_tracer
            else:
                provider.get_tracer = theirs

    return stop


def _start(start: Callable[..., Any], over: list[bool], genai: bool, *args: Any, **kwargs: Any) -> Any:
    span = start(*args, **kwargs)
    if not over:
        try:
            given = dict(zip(("name", "context", "kind", "attributes"), args, strict=False)) | kwargs
            _name(span, given.get("context"), given.get("attributes") or {}, genai)
        except Exception as error:
            swallowed("starting a span", error)
    return span


def _name(span: Any, context: Context | None, attributes: Mapping[str, Any], genai: bool) -> None:
    context = get_current() if context is None else context
    scope = scope_in(context, open_span_in(context))
    if scope is None or not span.is_recording():
        return
    held = ForeignSpan(span)
    held.scope, held.parent, held.written, held.ended = scope, None, NO_KEYS, 0
    held.genai, held.taken = genai or has_genai_key(attributes), frozenset(attributes)
    held.stamped = held.given = NOTHING
    scope.open.add(held)
    if len(scope.open) > scope.crowd:
        scope.forget_dropped()
    if scope.rendered is not NOTHING:
        held.restamp(scope.rendered)


def _say_what_does_not_hold() -> None:
    """Say so where what is attached to the context is gone at once."""
    token = attach(set_value(_PROBE, True))
    kept = get_value(_PROBE)
    detach(token)
    if not kept:
        say_once("the OpenTelemetry context of this process keeps no values: a conversation holds in a request at most")
