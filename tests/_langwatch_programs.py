"""Little programs: one for each name of the LangWatch SDK that works here as it does there."""

import threading

from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

import langwatch_otel as langwatch
from _langwatch_arguments import ELSEWHERE, attribute, failed


def with_provider(recorder):
    """A trace that is given a provider of its own is recorded by that one."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with langwatch.trace(name="own", tracer_provider=provider):
        pass
    return [span.name for span in exporter.get_finished_spans()] == ["own"]


def handle(method, *args, check, **kwargs):
    """A program: call the method of the current span's handle, and look at the span afterwards."""

    def program(recorder):
        with langwatch.span(name="one") as span:
            getattr(span, method)(*args, **kwargs)
        return check(recorder.spans[-1])

    return program


def read(name, expected):
    """A program: read an attribute of a span's handle."""

    def program(recorder):
        given = {"type": "tool", "kind": SpanKind.CLIENT, "attributes": {"a": 1}, "start_time": 5}
        with langwatch.span(name="one", links=[Link(ELSEWHERE)], **given) as span:
            return expected(getattr(span, name))

    return program


def below(kind):
    """A program: a span made by a handle is the handle's child, and its decorator works."""

    def program(recorder):
        with kind(name="above") as above, above.span(name="below", type="tool"):
            pass
        lower, upper = recorder.spans
        return (lower.parent.span_id, lower.name) == (upper.context.span_id, "below")

    return program


def current(recorder):
    """get_current_trace() and get_current_span() are the trace and the span that were entered."""
    with langwatch.trace() as turn, langwatch.span() as span:
        found = langwatch.get_current_trace(suppress_warning=True)
        return found.trace_id == turn.trace_id and langwatch.get_current_span().otel is span.otel


def traced(recorder):
    """trace() and span() are decorators with and without parentheses, and blocks."""

    @langwatch.trace
    def turn():
        with langwatch.span(name="inner"):
            return "done"

    return turn() == "done" and len(recorder.spans) == 2


def metadata(recorder):
    """The metadata is what was given, ids too, and giving it is update()."""
    with langwatch.trace(metadata={"thread_id": "t1", "plan": "free"}) as turn:
        turn.metadata = {"labels": ["new"]}
        expected = {"thread_id": "t1", "plan": "free", "labels": ["new"]}
        return turn.metadata == expected == langwatch.get_current_trace().metadata


def root_span(recorder):
    """The root span is the trace's own, wherever it is asked for."""
    with langwatch.trace(name="turn") as turn, langwatch.span():
        return turn.root_span.name == langwatch.get_current_trace().root_span.name == "turn"


def trace_id(recorder):
    """The trace id is the one that is exported."""
    with langwatch.trace() as turn:
        pass
    return turn.trace_id == otel.format_trace_id(recorder.spans[0].context.trace_id)


def tracer(recorder):
    """The tracer makes spans below the current one."""
    with langwatch.trace() as turn, turn.tracer.start_as_current_span("one"):
        pass
    return recorder.spans[0].parent.span_id == recorder.spans[1].context.span_id


class Slow(SpanExporter):
    """An exporter that is told when it may go on."""

    def __init__(self):
        self.may_go_on, self.ended = threading.Event(), threading.Event()
        self.was_told = False

    def export(self, spans):
        self.was_told = self.may_go_on.wait(5)
        self.ended.set()
        return SpanExportResult.SUCCESS

    def shutdown(self): ...


def send_spans(recorder):
    """Sending begins at once, and the caller goes on meanwhile."""
    slow = Slow()
    recorder.provider.add_span_processor(BatchSpanProcessor(slow, schedule_delay_millis=10_000_000))
    with langwatch.trace(), langwatch.span():
        pass
    langwatch.get_current_trace().send_spans()
    slow.may_go_on.set()
    return slow.ended.wait(10) and slow.was_told


def of_trace(recorder):
    """A span's trace is the turn that it is in."""
    with langwatch.trace(thread_id="t1") as turn, langwatch.span() as span:
        return (span.trace.trace_id, span.trace.conversation.thread_id) == (turn.trace_id, "t1")


def wrapped(recorder):
    """A wrapped OpenTelemetry span is updated by its handle."""
    with recorder.tracer.start_as_current_span("theirs") as span:
        langwatch.get_current_span().wrap_otel_span(span).update(model="m")
    return recorder.by_name["theirs"]["gen_ai.request.model"] == "m"


def update_of_trace(recorder):
    """update() names the turn, and writes to its span from inside another."""
    with langwatch.trace(name="turn") as turn, langwatch.span():
        turn.update(metadata={"user_id": "u1"}, model="m")
    found = recorder.by_name["turn"]
    return (found["user.id"], found["gen_ai.request.model"]) == ("u1", "m")


def _is(value):
    return lambda found: found == value


PROGRAMS = {
    "langwatch": {
        "get_current_span": current,
        "get_current_trace": current,
        "span": traced,
        "trace": traced,
    },
    "Trace": {
        "metadata": metadata,
        "root_span": root_span,
        "send_spans": send_spans,
        "span": below(langwatch.trace),
        "trace_id": trace_id,
        "tracer": tracer,
        "update": update_of_trace,
    },
    "Span": {
        "add_event": handle("add_event", "done", {"a": 1}, check=lambda span: span.events[0].name == "done"),
        "add_link": handle("add_link", ELSEWHERE, check=lambda span: span.links[0].context == ELSEWHERE),
        "attributes": read("attributes", lambda found: found["a"] == 1),
        "end": handle("end", check=lambda span: span.name == "one"),
        "get_span_context": read("get_span_context", lambda context: context().is_valid),
        "is_recording": read("is_recording", lambda recording: recording() is True),
        "kind": read("kind", _is(SpanKind.CLIENT)),
        "links": read("links", lambda links: links[0].context == ELSEWHERE),
        "name": read("name", _is("one")),
        "record_error": handle("record_error", ValueError(), check=failed(StatusCode.ERROR, 1)),
        "record_exception": handle("record_exception", ValueError(), check=failed(StatusCode.UNSET, 1)),
        "set_attributes": handle("set_attributes", {"a": 1}, check=attribute("a", 1)),
        "set_status": handle("set_status", Status(StatusCode.ERROR, "no"), check=failed(StatusCode.ERROR, 0)),
        "span": below(langwatch.span),
        "start_time": read("start_time", _is(5)),
        "trace": of_trace,
        "type": read("type", _is("tool")),
        "update": handle("update", model="m", check=attribute("gen_ai.request.model", "m")),
        "update_name": handle("update_name", "two", check=lambda span: span.name == "two"),
        "wrap_otel_span": wrapped,
    },
    "trace()": {"tracer_provider": with_provider},
    "get_current_trace()": {"suppress_warning": current},
}
