"""A copy of an exported span, changed: the span itself is shared by every processor and exporter."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, Status

from .rendering import Attributes


def limits_of(span: ReadableSpan) -> tuple[int | None, int | None]:
    """Return how many attributes `span` may have and how long a text may be; None where there is no limit."""
    kept = getattr(span, "_attributes", None)  # Not public in the SDK: where it is gone no limit is known.
    return getattr(kept, "maxlen", None), getattr(kept, "max_value_len", None)


class SpanCopy(ReadableSpan):
    """A copy with other attributes, parent, events or status; the counts of what the original dropped stay."""

    def __init__(
        self,
        span: ReadableSpan,
        *,
        attributes: Attributes,
        parent: SpanContext | None,
        events: Sequence[Event] | None = None,
        status: Status | None = None,
    ) -> None:
        super().__init__(
            name=span.name,
            context=span.context,
            parent=parent,
            resource=span.resource,
            attributes=attributes,
            events=span.events if events is None else events,
            links=span.links,
            kind=span.kind,
            status=span.status if status is None else status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )
        self._original = span

    @property
    def dropped_attributes(self) -> int:
        return self._original.dropped_attributes

    @property
    def dropped_events(self) -> int:
        return self._original.dropped_events

    @property
    def dropped_links(self) -> int:
        return self._original.dropped_links
