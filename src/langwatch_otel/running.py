"""One call, or one block, of trace(), span() or conversation(): what happens at its start and at its end."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace as otel
from opentelemetry.context import Context, get_current, set_value
from opentelemetry.trace import INVALID_SPAN, SpanKind, set_span_in_context

from . import config
from ._guard import say_once, swallowed
from .attributes import LANGWATCH_SPAN_TYPE, TIME_TO_FIRST_CHUNK
from .capture import MAX_BYTES, is_framework_object
from .current import Span, Trace
from .fields import Fields
from .functions import signature_of
from .naming import SCOPE_KEY, open_scope
from .open_span import open_span_of
from .recording import INERT, record_error, record_value, update_span
from .tracers import tracer

_NOTHING: Mapping[str, Any] = {}
_OWN = ("name", "capture_input", "capture_output", "adopt", "tracer_provider", "kind", "attributes", "links")
_FIELDS = ("thread_id", "user_id", "customer_id", "labels", "metadata")


class Options:
    """What a decorator was given, worked out once."""

    def __init__(self, given: Mapping[str, Any], function: Any = None) -> None:
        self.fields = Fields(given)
        self.name = str(given.get("name") or _name_of(function))
        self.adopt = given.get("adopt", True) is not False
        self.capture_input = given.get("capture_input")
        self.capture_output = given.get("capture_output")
        self.provider = given.get("tracer_provider")
        self.kind = given.get("kind") or SpanKind.INTERNAL
        self.links = given.get("links") or ()
        self.attributes = {
            LANGWATCH_SPAN_TYPE: str(given.get("type") or "span"),
            **(given.get("attributes") or {}),
        }
        skip = (*_OWN, *_FIELDS, *INERT, "type")
        self.update = {key: value for key, value in given.items() if key not in skip and value is not None}
        for key in INERT:
            if given.get(key):
                say_once(f"{key}= does nothing here: it needs LangWatch's own server or client")
        self.signature = signature_of(function) if function is not None else None
        self.hidden = _hidden_parameters(self.signature)

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments of a call by parameter name, defaults included."""
        if self.signature is None:
            return kwargs
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError:
            return _NOTHING  # The call itself is about to say so.
        bound.apply_defaults()
        found: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            if self.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                found.update(value)
            else:
                found[name] = value
        return found

    def captures(self, which: bool | None) -> bool:
        """Say whether arguments or results are recorded: as the decorator says, else as the setting says."""
        setting = config.active().capture_content
        return setting is not False and (setting is True if which is None else which)


def _name_of(function: Any) -> str:
    while function is not None and not hasattr(function, "__qualname__") and hasattr(function, "func"):
        function = function.func
    qualified = getattr(function, "__qualname__", None) or type(function).__name__
    return "trace" if function is None else qualified.rsplit("<locals>.", 1)[-1]


def _hidden_parameters(signature: inspect.Signature | None) -> frozenset[str]:
    """Return the parameters that are never recorded: self, cls and what FastAPI injects."""
    hidden: set[str] = set()
    for index, parameter in enumerate(signature.parameters.values() if signature is not None else ()):
        marks = (parameter.default, *getattr(parameter.annotation, "__metadata__", ()))
        injected = any(type(mark).__name__ in ("Depends", "Security") for mark in marks)
        if injected or (index == 0 and parameter.name in ("self", "cls")):
            hidden.add(parameter.name)
    return frozenset(hidden)


class ConversationRunning:
    """A scope without a span."""

    span: otel.Span = INVALID_SPAN

    def __init__(self, options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.options = options
        arguments = options.arguments(args, kwargs) if options.fields.needs_arguments else _NOTHING
        self.scope = open_scope(options.fields.resolve(arguments), adopt=options.adopt)
        self.context: Context = set_value(SCOPE_KEY, self.scope)

    def handle(self) -> Any:
        """Return what `with ... as` gives."""
        current = otel.get_current_span()
        return Trace(self.scope, current, current.get_span_context())

    def chunk(self, item: object) -> None:
        """A conversation records nothing."""

    def finish(self, result: object) -> None:
        """The scope is over; spans of it may still be open."""
        self.scope.close()

    def fail(self, error: BaseException) -> None:
        """The scope is over."""
        self.scope.close()

    def leave(self) -> None:
        """The scope is over."""
        self.scope.close()


class SpanRunning(ConversationRunning):
    """A span in the scope that is there already."""

    def __init__(self, options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.options = options
        self._open(get_current(), args, kwargs, None)

    def _open(
        self,
        context: Context,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        arguments: Mapping[str, Any] | None,
    ) -> None:
        """Start the span below `context`, and record the arguments where that is on."""
        options = self.options
        made_by = tracer() if options.provider is None else options.provider.get_tracer("langwatch_otel")
        self.span = made_by.start_span(
            options.name, context, options.kind, options.attributes, options.links or None
        )
        self.context = set_span_in_context(self.span, context)
        self._chunks: list[str] | None = None
        self._room = MAX_BYTES
        self._began = 0.0
        if not self.span.is_recording():
            return
        if options.update:
            update_span(self.span, options.update)
        if (
            options.signature is not None
            and "input" not in options.update
            and options.captures(options.capture_input)
        ):
            self._record_input(options.arguments(args, kwargs) if arguments is None else arguments)

    def _record_input(self, arguments: Mapping[str, Any]) -> None:
        shown = {
            name: value
            for name, value in arguments.items()
            if name not in self.options.hidden and not is_framework_object(value)
        }
        if shown:
            record_value(self.span, "input", shown)

    def handle(self) -> Any:
        return Span(self.span)

    def chunk(self, item: object) -> None:
        try:
            if self._chunks is None:
                self._chunks = []
                self.span.set_attribute(TIME_TO_FIRST_CHUNK, time.monotonic() - self._began)
            if self._room > 0 and isinstance(item, str):
                self._chunks.append(item[: self._room])
                self._room -= len(item)
        except Exception as error:
            swallowed("noting a chunk", error)

    def finish(self, result: object) -> None:
        try:
            options = self.options
            if result is None and self._chunks:
                result = "".join(self._chunks)
            if (
                result is not None
                and "output" not in options.update
                and options.captures(options.capture_output)
                and options.signature is not None
            ):
                record_value(self.span, "output", result)
        except Exception as error:
            swallowed("recording a result", error)
        self._end()

    def fail(self, error: BaseException) -> None:
        try:
            record_error(self.span, error)
        except Exception as failure:
            swallowed("recording an error", failure)
        self._end()

    def leave(self) -> None:
        self.finish(None)

    def _end(self) -> None:
        try:
            if self.span.is_recording():
                self.span.end()
        except Exception as error:
            swallowed("ending a span", error)


class TraceRunning(SpanRunning):
    """A span with a scope of its own."""

    def __init__(self, options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.options = options
        arguments = options.arguments(args, kwargs) if options.fields.needs_arguments else None
        self.scope = open_scope(options.fields.resolve(arguments or _NOTHING), adopt=options.adopt)
        self._open(set_value(SCOPE_KEY, self.scope), args, kwargs, arguments)
        self.scope.span = open_span_of(self.span)

    def handle(self) -> Any:
        return Trace(self.scope, self.span, self.span.get_span_context())

    def _end(self) -> None:
        super()._end()
        self.scope.close()


class _Nothing:
    """Stands in where our start failed: the application's call goes on as it would without us."""

    def __init__(self) -> None:
        self.context = get_current()

    def handle(self) -> Any:
        return Trace(None, INVALID_SPAN, INVALID_SPAN.get_span_context())

    def chunk(self, item: object) -> None: ...
    def finish(self, result: object) -> None: ...
    def fail(self, error: BaseException) -> None: ...
    def leave(self) -> None: ...


def started(
    kind: type[ConversationRunning], options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> ConversationRunning | _Nothing:
    """Begin one call; never raises."""
    try:
        return kind(options, args, kwargs)
    except Exception as error:
        swallowed("starting a call", error)
        return _Nothing()
