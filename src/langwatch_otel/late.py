"""What a span that ended before its conversation was known takes along, from processor to exporter."""

from __future__ import annotations

import itertools

from .open_span import OpenSpan

_HANGS_AS = "_langwatch_otel_late"

sequence = itertools.count(1)
"""Orders the ends of spans and the calls of force_flush."""


class Late:
    """Where to ask, at export, for the name that was missing at the end."""

    __slots__ = ("held", "number")

    def __init__(self, held: OpenSpan) -> None:
        self.held = held
        self.number = next(sequence)


def hang(late: Late, span: object) -> None:
    """Hang `late` on the readable span that all processors and exporters share."""
    setattr(span, _HANGS_AS, late)


def late_of(span: object) -> Late | None:
    """Return what hangs on `span`; None for a span that had its name when it ended."""
    found: Late | None = getattr(span, _HANGS_AS, None)
    return found
