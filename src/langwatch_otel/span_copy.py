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


def copy_of(
    span: ReadableSpan,
    *,
    attributes: Attributes,
    parent: SpanContext | None,
    events: Sequence[Event] | None = None,
    status: Status | None = None,
) -> ReadableSpan:
    """Return a copy with other attributes, parent, events or status; what the original counts as dropped stays."""
    dropped = span.dropped_attributes or span.dropped_events or span.dropped_links
    # One of another class only where it must be: the interpreter reads spans faster, ours or not, where all are of one.
    copied = _Copy if dropped else ReadableSpan
    found = copied(
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
    if isinstance(found, _Copy):
        found.original = span
    return found


class _Copy(ReadableSpan):
    """A copy of a span that dropped something: its own attributes, events and links do not know of it."""

    original: ReadableSpan

    @property
    def dropped_attributes(self) -> int:
        return self.original.dropped_attributes

    @property
    def dropped_events(self) -> int:
        return self.original.dropped_events

    @property
    def dropped_links(self) -> int:
        return self.original.dropped_links
