"""An exporter that steps aside where the spans have another way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from .backfill import exporter_of, may_export, processors_of
from .own_provider import OwnProvider
from .span_exporter import ConversationSpanExporter


class LastResort(SpanExporter):
    """Export by the exporter given, unless `own` made way for a provider whose spans somebody else exports.

    Who does may be added at any time, so it is asked with each batch, on the exporting thread.
    """

    def __init__(self, exporter: SpanExporter, own: OwnProvider) -> None:
        self.wrapped = exporter
        self._own = own

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        successor = self._own.successor
        if successor is not None and is_exported(successor):
            return SpanExportResult.SUCCESS
        return self.wrapped.export(spans)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self.wrapped.force_flush(timeout_millis)

    def shutdown(self) -> None:
        self.wrapped.shutdown()


def is_exported(provider: Any) -> bool:
    """Say whether somebody exports what `provider` makes; where that cannot be seen, it is taken to be so."""
    processors = processors_of(provider)
    return processors is None or any(may_export(each) and not _steps_aside(each) for each in processors)


def _steps_aside(processor: object) -> bool:
    exporter = exporter_of(processor)
    while isinstance(exporter, ConversationSpanExporter):  # Of another's, `wrapped` may be anything.
        exporter = exporter.wrapped
    return isinstance(exporter, LastResort)
