"""Handles on what is running: the turn, the span, the conversation in force; naming it late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry import trace as otel
from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, Tracer
from opentelemetry.trace import Span as OTelSpan

from . import naming, tracers
from ._guard import guarded, say_once, swallowed
from .finding import SCOPE_KEY, current_scope, scope_in
from .identity import EMPTY, Conversation, conversation_of
from .open_span import HANGS_AS, SPAN_KEY, OpenSpan
from .recording import update_span
from .scope import Scope
from .span_handle import Span as Span
from .span_handle import child_of

if TYPE_CHECKING:
    from .decorators import Decorator


class Trace:
    """A handle on the turn that runs: its conversation, and its `trace()` span, else its local root."""

    _is_of_nothing = False

    def __init__(self, scope: Scope | None, span: OTelSpan, held: OpenSpan | None = None) -> None:
        self._scope = scope
        self._current = span
        self._held = held

    if not TYPE_CHECKING:  # A type checker is to refuse every name that is not here.

        def __getattr__(self, name: str) -> Any:
            from .langwatch_sdk import trace_attribute

            return trace_attribute(self, name)

    @classmethod
    def of_nothing(cls) -> Trace:
        """Return a handle that does nothing."""
        handle = cls(Scope(), INVALID_SPAN)
        handle._is_of_nothing = True
        return handle

    @property
    def trace_id(self) -> str | None:
        """The trace id in hex, or None where nothing traces."""
        context = self._current.get_span_context()
        return otel.format_trace_id(context.trace_id) if context.is_valid else None

    @property
    def conversation(self) -> Conversation:
        """The conversation in force, perhaps empty."""
        try:
            return self._scope.in_force() if self._scope is not None else get_conversation()
        except Exception as error:
            swallowed("looking for the conversation", error)
            return EMPTY

    @property
    def metadata(self) -> dict[str, Any]:
        """What `update(metadata=)` was given so far, ids and labels too, in a dict of its own."""
        named = self.conversation._asdict()
        found = {**named.pop("metadata"), **{name: value for name, value in named.items() if value}}
        return {**found, "labels": list(found["labels"])} if "labels" in found else found

    @metadata.setter
    def metadata(self, metadata: Mapping[str, Any]) -> None:
        self.update(metadata=metadata)

    @property
    def root_span(self) -> Span:
        """The span that `update(input=, output=)` writes to."""
        try:
            return Span(_turn_span(self._scope, self._held, self._current))
        except Exception as error:
            swallowed("looking for the span of a turn", error)
            return Span(self._current)

    @property
    def tracer(self) -> Tracer:
        """The OpenTelemetry tracer that makes the spans of `trace()` and `span()`."""
        return tracers.tracer()

    def span(self, **given: Any) -> Decorator[Span]:
        """Make a child span, as `langwatch.span()` does; in a thread that has no span, below the turn's."""
        return child_of(self.root_span.otel, given)

    def send_spans(self) -> None:
        """Have what has ended exported now, on a thread of its own: this never waits for the network."""
        with guarded("sending spans"):
            tracers.flush()

    @property
    def disable_sending(self) -> bool:
        """False, whatever it is set to: what is not to be sent is left to a sampler."""
        return False

    @disable_sending.setter
    def disable_sending(self, disabled: bool) -> None:
        update_span(self._current, {"disable_sending": disabled})

    def set_current_span(self, span: object) -> None:
        """Do nothing: a span is current inside its own `with` block."""
        say_once("set_current_span() does nothing here: a span is current inside its own `with` block")

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
        if self._held is None and not self._is_of_nothing and not self._current.get_span_context().is_valid:
            say_once("update() where no span is known: the conversation holds in this context only")
        try:
            conversation = conversation_of(thread_id, user_id, customer_id, labels, metadata)
            if conversation is not EMPTY:
                self._scope = naming.name(conversation, self._scope)
        except Exception as error:
            swallowed("naming a conversation", error)
        if given:
            with guarded("updating a span"):
                update_span(self.root_span.otel, given)


def get_current_trace(suppress_warning: bool = False, start_if_none: bool = False) -> Trace:  # noqa: ARG001
    """Return a handle on the turn that runs now; never raises, never None.

    The arguments are the LangWatch SDK's, and change nothing: no trace is ever made up.
    """
    if start_if_none:
        say_once("get_current_trace(start_if_none=) does nothing here: no trace is made up; trace() begins one")
    try:
        return _trace_in(get_current())
    except Exception as error:
        swallowed("looking for the current trace", error)
        return Trace(None, INVALID_SPAN)


def trace_of(span: OTelSpan) -> Trace:
    """Return a handle on the turn that `span` belongs to; never raises."""
    try:
        return _trace_in(otel.set_span_in_context(span))
    except Exception as error:
        swallowed("looking for the trace of a span", error)
        return Trace(None, INVALID_SPAN)


def _trace_in(context: Context) -> Trace:
    span: Any = context.get(SPAN_KEY, INVALID_SPAN)
    held: OpenSpan | None = getattr(span, HANGS_AS, None)
    if held is not None and context.get(SCOPE_KEY) is held.scope and not held.scope.has_tasks:
        return Trace(held.scope, span, held)  # Mostly: what `scope_in` would say too.
    return Trace(scope_in(context, held), span, held)


def _turn_span(scope: Scope | None, held: OpenSpan | None, span: OTelSpan) -> OTelSpan:
    """Return the innermost `trace()` span that is open, else the local root, else the current span."""
    while scope is not None:
        if scope.span is not None and not scope.span.ended:
            found: OTelSpan | None = scope.span.span()
            if found is not None:
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
        scope = current_scope()
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
