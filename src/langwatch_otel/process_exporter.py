"""An exporter that is made anew in a forked process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class ProcessExporter(SpanExporter):
    """Export by what `make` returns, one for each process.

    A connection that is open when a process forks is the parent's and the child's at once: what both send on it gets
    mixed up, and both lose spans.
    """

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._make = make
        self._exporter = make()
        self._pid = os.getpid()
        self._parents: list[SpanExporter] = []

    @property
    def wrapped(self) -> SpanExporter:
        """The exporter of this process."""
        return self._own()

    def _own(self) -> SpanExporter:
        if self._pid != os.getpid():
            # Kept, and never closed here: its connections are the parent's, and so may be its locks.
            self._parents = [self._exporter]
            self._exporter = self._make()
            self._pid = os.getpid()
        return self._exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._own().export(spans)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._own().force_flush(timeout_millis)

    def shutdown(self) -> None:
        self._own().shutdown()
