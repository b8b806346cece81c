"""What a span that ended before its conversation was known takes along, from processor to exporter."""

from __future__ import annotations

from .open_span import OpenSpan

_HANGS_AS = "_langwatch_otel_late"


def hang(held: OpenSpan, span: object) -> None:
    """Hang `held` on the readable span that all processors and exporters share: ask it for the name later."""
    setattr(span, _HANGS_AS, held)


def late_of(span: object) -> OpenSpan | None:
    """Return what hangs on `span`; None for a span that had its name when it ended."""
    found: OpenSpan | None = getattr(span, _HANGS_AS, None)
    return found
