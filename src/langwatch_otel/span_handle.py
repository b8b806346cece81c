"""A handle on one span, in the LangWatch SDK's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace import Span as OTelSpan
from opentelemetry.trace import get_current_span as current_otel_span
from opentelemetry.util.types import AttributeValue

from ._guard import guarded, say_once
from .failures import record_error, record_exception, set_description
from .recording import update_span

if TYPE_CHECKING:
    from .current import Trace
    from .decorators import Decorator


class Span:
    """A handle on one span, in the LangWatch SDK's words; the OpenTelemetry span is `otel`."""

    # Read from the OpenTelemetry span when they are asked for; None where it does not record.
    name: str | None
    type: str | None
    kind: SpanKind | None
    attributes: Mapping[str, AttributeValue] | None
    links: Sequence[Link] | None
    start_time: int | None

    def __init__(self, span: OTelSpan) -> None:
        self.otel = span

    if not TYPE_CHECKING:  # A type checker is to refuse every other name.

        def __getattr__(self, name: str) -> Any:
            from .langwatch_sdk import span_attribute

            return span_attribute(self, name)

    @staticmethod
    def wrap_otel_span(otel_span: OTelSpan, trace: Trace | None = None) -> Span:  # noqa: ARG004
        """Return a handle on `otel_span`; `trace` is the LangWatch SDK's, and changes nothing."""
        return Span(otel_span)

    @property
    def trace(self) -> Trace:
        """The turn that the span belongs to."""
        from .current import trace_of

        return trace_of(self.otel)

    def span(self, **given: Any) -> Decorator[Span]:
        """Make a child span, as `langwatch.span()` does; below this one where no span of its trace is current."""
        return child_of(self.otel, given)

    def update(self, **given: Any) -> None:
        """Record `input=`, `output=`, `name=`, `type=`, `model=`, `error=` ...; other names become attributes."""
        if not self.otel.get_span_context().is_valid:
            say_once("update() where no span is known: nothing is recorded")
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
            record_exception(self.otel, exception)

    def record_error(self, error: BaseException) -> None:
        """Record an exception on the span with status ERROR, as in the LangWatch SDK."""
        with guarded("recording an error"):
            record_error(self.otel, error)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status of the span."""
        with guarded("setting a status"):
            if isinstance(status, Status):
                set_description(self.otel, status.status_code, status.description)
            else:
                set_description(self.otel, status, description)

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

    def end(self, end_time: int | None = None, **given: Any) -> None:
        """End the span now, with what `update()` takes recorded first; ending it twice does nothing."""
        update_span(self.otel, given)
        with guarded("ending a span"):
            if self.otel.is_recording():
                self.otel.end(end_time)


def child_of(span: OTelSpan, given: Mapping[str, Any]) -> Decorator[Span]:
    """Return `langwatch.span(**given)`, below `span` where the current one is of another trace, or there is none."""
    from . import span as langwatch_span  # The package's own: decorators are built on these handles.

    own = span.get_span_context()
    apart = current_otel_span().get_span_context().trace_id != own.trace_id
    if own.is_valid and apart and given.get("parent") is None and given.get("span_context") is None:
        given = {**given, "parent": span}
    return langwatch_span(**given)
