"""Handles on what is running: the turn, the span, the conversation in force; naming it late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import trace as otel
from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN, Span as OTelSpan, SpanContext, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from . import naming
from ._guard import guarded, say_once, swallowed
from .identity import EMPTY, Conversation, conversation_of
from .open_span import OpenSpan, open_span_of
from .recording import record_error, update_span
from .scope import Scope

_NAMES = ("thread_id", "user_id", "customer_id", "labels", "metadata")


class Span:
    """A handle on one span, in the LangWatch SDK's words; the OpenTelemetry span is `otel`."""

    def __init__(self, span: OTelSpan) -> None:
        self.otel = span

    def update(self, **given: Any) -> None:
        """Record `input=`, `output=`, `name=`, `type=`, `model=`, `error=` ...; other names become attributes."""
        _warn_where_no_span(self.otel)
        update_span(self.otel, given)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set one attribute of the span."""
        with guarded("setting an attribute"):
            self.otel.set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set several attributes of the span."""
        with guarded("setting attributes"):
            self.otel.set_attributes(attributes)

    def add_event(self, name: str, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Add an event to the span."""
        with guarded("adding an event"):
            self.otel.add_event(name, attributes)

    def record_exception(self, exception: BaseException) -> None:
        """Record an exception on the span, without changing its status."""
        with guarded("recording an exception"):
            self.otel.record_exception(exception)

    def record_error(self, error: BaseException) -> None:
        """Record an exception on the span with status ERROR, as in the LangWatch SDK."""
        with guarded("recording an error"):
            record_error(self.otel, error)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status of the span."""
        with guarded("setting a status"):
            self.otel.set_status(status, description)

    def update_name(self, name: str) -> None:
        """Rename the span."""
        with guarded("renaming a span"):
            self.otel.update_name(name)

    def add_link(self, context: SpanContext, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        """Link the span to another."""
        with guarded("linking a span"):
            self.otel.add_link(context, attributes)

    def get_span_context(self) -> SpanContext:
        """Return the span's context."""
        return self.otel.get_span_context()

    def is_recording(self) -> bool:
        """Say whether the span records."""
        return self.otel.is_recording()

    def end(self) -> None:
        """End the span now; ending it twice does nothing."""
        with guarded("ending a span"):
            if self.otel.is_recording():
                self.otel.end()


class Trace:
    """A handle on the turn that runs: its conversation, and its `trace()` span, else its local root."""

    def __init__(self, scope: Scope | None, span: OTelSpan, held: OpenSpan | None = None) -> None:
        self._scope = scope
        self._current = span
        self._held = held

    @property
    def trace_id(self) -> str | None:
        """The trace id in hex, or None where nothing traces."""
        context = self._current.get_span_context()
        return otel.format_trace_id(context.trace_id) if context.is_valid else None

    @property
    def conversation(self) -> Conversation:
        """The conversation in force, perhaps empty."""
        return self._scope.in_force() if self._scope is not None else get_conversation()

    @property
    def root_span(self) -> Span:
        """The span that `update(input=, output=)` writes to."""
        return Span(_turn_span(self._scope, self._held, self._current))

    def update(
        self,
        *,
        thread_id: object = None,
        user_id: object = None,
        customer_id: object = None,
        labels: object = None,
        metadata: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> None:
        """Name the conversation late, and record `input=`, `output=` and the like on the turn's span.

        `metadata` may carry `thread_id`, `user_id`, `customer_id` and `labels`, as in the LangWatch SDK.
        """
        if self._held is None and not self._current.get_span_context().is_valid:
            say_once("update() where no span is known: the conversation holds in this context only")
        try:
            conversation = conversation_of(thread_id, user_id, customer_id, labels, metadata)
            if conversation is not EMPTY:
                self._scope = naming.name(conversation, self._scope)
        except Exception as error:
            swallowed("naming a conversation", error)
        if given:
            update_span(self.root_span.otel, given)


def _warn_where_no_span(span: OTelSpan) -> None:
    if not span.get_span_context().is_valid:
        say_once("update() where no span is known: nothing is recorded")


def get_current_trace(suppress_warning: bool = False, start_if_none: bool = False) -> Trace:
    """Return a handle on the turn that runs now; never raises, never None.

    The arguments are the LangWatch SDK's, and change nothing: no trace is ever made up.
    """
    try:
        context = get_current()
        span = otel.get_current_span(context)
        held = open_span_of(span)
        return Trace(naming.scope_in(context, held), span, held)
    except Exception as error:
        swallowed("looking for the current trace", error)
        return Trace(None, INVALID_SPAN)


def _turn_span(scope: Scope | None, held: OpenSpan | None, span: OTelSpan) -> OTelSpan:
    """Return the innermost `trace()` span that is open, else the local root, else the current span."""
    while scope is not None:
        if scope.span is not None and not scope.span.ended and (found := scope.span.span()) is not None:
            return found
        scope = scope.above
    while held is not None and held.parent is not None:
        held = held.parent
    root = held.span() if held is not None and not held.ended else None
    return root if root is not None else span


def get_current_span() -> Span:
    """Return a handle on the span that is current now; never raises, never None."""
    return Span(otel.get_current_span())


def get_conversation() -> Conversation:
    """Return the conversation in force, perhaps empty; never raises, never None."""
    try:
        scope = naming.current_scope()
        return EMPTY if scope is None else scope.in_force()
    except Exception as error:
        swallowed("looking for the conversation", error)
        return EMPTY


def set_conversation(
    thread_id: object = None,
    user_id: object = None,
    customer_id: object = None,
    labels: object = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Name the conversation that is running, late: its open spans and those still to start carry the name.

    Ids are final: naming a different thread opens a new scope in the current context, from there on.
    """
    try:
        naming.name(conversation_of(thread_id, user_id, customer_id, labels, metadata))
    except Exception as error:
        swallowed("naming a conversation", error)
