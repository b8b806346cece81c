"""What naming at export adds to a batch processor's work on a span: its CPU time, OTLP encoding included.

Every turn has one span that ended before its name was known, as FastAPI's dependencies have.
Run: python benchmarks/export.py
"""

import time
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import langwatch_otel as langwatch

TURNS = 64
SPANS = 6
ROUNDS = 120


class Encoder(SpanExporter):
    """Does what the OTLP exporter does on the CPU, and sends nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        encode_spans(spans).SerializeToString()
        return SpanExportResult.SUCCESS


def provider(exporter: SpanExporter) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(langwatch.ConversationSpanProcessor())
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=10**8, max_queue_size=10**5))
    return made


def turns(made: TracerProvider) -> None:
    tracer = made.get_tracer("benchmark")
    for number in range(TURNS):
        with tracer.start_as_current_span("POST /chat", attributes={"http.route": "/chat", "http.status_code": 200}):
            with tracer.start_as_current_span("dependencies"):
                pass
            langwatch.set_conversation(thread_id=f"thread-{number}", user_id="user-1")
            for step in range(SPANS - 2):
                with tracer.start_as_current_span("step", attributes={"step": step}):
                    pass


def flush(made: TracerProvider) -> float:
    began = time.thread_time_ns()
    made.force_flush()
    return (time.thread_time_ns() - began) / TURNS / SPANS / 1000


def main() -> None:
    plain, naming = provider(Encoder()), provider(langwatch.ConversationSpanExporter(Encoder()))
    best = {"plain": float("inf"), "naming": float("inf")}
    for _ in range(ROUNDS):
        for name, made in (("plain", plain), ("naming", naming)):
            turns(made)
            best[name] = min(best[name], flush(made))
    ratio = best["naming"] / best["plain"]
    print(
        f"naming at export: {best['naming']:.2f} us a span against {best['plain']:.2f} us: {ratio:.2f} x (target 1.10)"
    )


if __name__ == "__main__":
    main()
