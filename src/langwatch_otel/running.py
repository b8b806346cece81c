"""One call, or one block, of trace(), span() or conversation(): what happens at its start and at its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace as otel
from opentelemetry.context import Context, get_current, set_value
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from . import config
from ._guard import swallowed
from .attributes import LANGWATCH_SPAN_TYPE, TIME_TO_FIRST_CHUNK
from .capture import MAX_BYTES, is_framework_object
from .current import Span, Trace
from .failures import record_error
from .finding import SCOPE_KEY, current_scope, within
from .identity import EMPTY
from .instrumented_ids import adopt
from .naming import open_scope
from .open_span import HANGS_AS, SPAN_KEY, OpenSpan, open_span_in, open_span_of
from .options import Options
from .recording import record_value, update_span
from .scope import Scope
from .streaming import follow
from .texts import MARGIN
from .tracers import TRACER_KEY, tracer
from .turn_texts import root_above, tell

_NOTHING: Mapping[str, Any] = {}


def _bound(options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    return kwargs if options.arguments is None else options.arguments.of(args, kwargs)


class ConversationRunning:
    """A scope without a span."""

    word = "conversation"
    span: otel.Span

    def __init__(self, options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.options = options
        self.span = INVALID_SPAN
        arguments = _bound(options, args, kwargs) if options.fields.needs_arguments else _NOTHING
        self.scope = open_scope(options.fields.resolve(arguments), options.adopt)
        self.context: Context = within(self.scope)

    def is_current(self) -> bool:
        """Say whether what runs now runs in this block."""
        found = get_current().get(SCOPE_KEY)
        return found is self.scope or (isinstance(found, Scope) and found.is_below(self.scope))

    def holds_what_runs(self) -> bool:
        """Say whether what runs now runs in this block, or below it."""
        scope = self._own_scope()
        if scope is not None:
            found = current_scope()
            return found is scope or (found is not None and found.is_below(scope))
        held = open_span_in(get_current())
        while held is not None and held.span() is not self.span:
            held = held.parent
        return held is not None

    def _own_scope(self) -> Scope | None:
        return self.scope

    def handle(self) -> Any:
        """Return what `with ... as` gives."""
        current = otel.get_current_span()
        return Trace(self.scope, current, open_span_of(current))

    def chunk(self, item: object) -> None:
        """A conversation records nothing."""

    def follow(self, result: object) -> bool:
        """Go on until the body of a streaming response was sent; False for any other result."""
        try:
            return follow(result, self)
        except Exception as error:
            swallowed("following a response", error)
            return False

    def finish(self, result: object) -> None:
        """The scope is over; spans of it may still be open."""
        self.scope.close()

    def fail(self, error: BaseException) -> None:
        """The scope is over."""
        self.scope.close()


class SpanRunning(ConversationRunning):
    """A span, in the scope that is there already; with fields in one of its own."""

    word = "span"
    _scope: Scope | None
    _chunks: list[str] | None
    _root: OpenSpan | None = None  # Of a turn: what is told its texts.
    _room = MAX_BYTES + MARGIN + 1  # One more, so that what was cut is marked.

    def __init__(self, options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.options = options
        context = get_current()
        if options.parent is not None:
            context = set_span_in_context(options.parent, context)
        if options.is_named:
            self._scope = self._open_scoped(context, args, kwargs)
        else:
            self._scope = None
            self._open(context, args, kwargs, None)

    def _open_scoped(self, context: Context, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Scope:
        """Open a scope below `context`, and the span in it."""
        options = self.options
        arguments = _bound(options, args, kwargs) if options.fields.needs_arguments else None
        named = options.fields.resolve(arguments or _NOTHING)
        scope = open_scope(named, options.adopt, context)
        self._open(within(scope, context), args, kwargs, arguments)
        return scope

    def _open(
        self,
        context: Context,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        arguments: Mapping[str, Any] | None,
    ) -> None:
        """Start the span below `context`, and record the arguments where that is on."""
        options = self.options
        self._chunks = None
        if options.provider is None:
            made_by = tracer(context)
        else:
            made_by = options.tracer
            context = set_value(TRACER_KEY, made_by, context)
        span = self.span = made_by.start_span(
            options.name, context, options.kind, options.attributes, options.links, options.start_time
        )
        if options.attributes and (held := open_span_of(span)) is not None:
            adopt(held, span)  # As of any GenAI span.
        self.context = Context({**context, SPAN_KEY: span})
        try:
            # Measured: one attribute given to start_span costs three times as much.
            span.set_attribute(LANGWATCH_SPAN_TYPE, options.type)
            if options.settings is not config.in_force or options.settings is None:
                options.look_at(config.active())
            if (options.records_input or options.update) and span.is_recording():
                self._record_start(args, kwargs, arguments)
        except Exception as error:  # The span is there: it must not be lost for this.
            swallowed("recording arguments", error)

    def _record_start(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], arguments: Mapping[str, Any] | None
    ) -> None:
        options = self.options
        if options.update:
            update_span(self.span, options.update)
        if options.records_input:
            self._record_input(_bound(options, args, kwargs) if arguments is None else arguments)

    def _record_input(self, arguments: Mapping[str, Any]) -> None:
        hidden = self.options.arguments.hidden if self.options.arguments is not None else ()
        shown = {
            name: value
            for name, value in arguments.items()
            if name not in hidden and (type(value) is str or not is_framework_object(value))
        }
        if shown:
            record_value(self.span, "input", shown)

    def _own_scope(self) -> Scope | None:
        return self._scope

    def is_current(self) -> bool:
        return self.span is not INVALID_SPAN and otel.get_current_span() is self.span

    def handle(self) -> Any:
        return Span(self.span)

    def chunk(self, item: object) -> None:
        try:
            if self._chunks is None:
                self._chunks = []
                began = getattr(self.span, "start_time", None) or time.time_ns()
                self.span.set_attribute(TIME_TO_FIRST_CHUNK, max(0, time.time_ns() - began) / 1e9)
            if self._room > 0 and isinstance(item, str) and item:
                self._chunks.append(item[: self._room])
                self._room -= len(item)
        except Exception as error:
            swallowed("noting a chunk", error)

    def finish(self, result: object) -> None:
        if self.options.records_output or self._chunks:
            self._record_output(result)
        self._end()

    def fail(self, error: BaseException) -> None:
        try:
            self._record_output(None)
            options = self.options
            record_error(self.span, error, exception=options.records_exception, status=options.sets_status)
        except Exception as failure:
            swallowed("recording an error", failure)
        self._end()

    def _record_output(self, result: object) -> None:
        """Record what was returned, else the text that was yielded."""
        try:
            options = self.options
            if result is None and self._chunks:
                result = "".join(self._chunks)
            if result is not None and options.records_output:
                record_value(self.span, "output", result)
        except Exception as error:
            swallowed("recording a result", error)

    def _end(self) -> None:
        if self._root is not None:
            tell(self._root, self.span)
        if (scope := self._scope) is not None:
            scope.closed = True  # First: a span whose turn is over does not wait for a name at export.
            scope.span = None  # The two held each other: garbage that only the collector finds.
        try:
            if self.span.is_recording():
                self.span.end()
        except Exception as error:
            swallowed("ending a span", error)


class TraceRunning(SpanRunning):
    """A span with a scope of its own."""

    word = "trace"

    def __init__(self, options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.options = options
        context = get_current()
        arguments, named = None, EMPTY
        if options.is_named:
            if options.fields.needs_arguments:
                arguments = _bound(options, args, kwargs)
            named = options.fields.resolve(arguments or _NOTHING)
        scope = self._scope = open_scope(named, options.adopt, context)
        self._open(within(scope, context), args, kwargs, arguments)
        scope.span = getattr(self.span, HANGS_AS, None)
        self._root = root_above(scope.span) if options.tells_root else None

    def handle(self) -> Any:
        return Trace(self._scope, self.span, open_span_of(self.span))
