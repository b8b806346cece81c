"""Whatever breaks in our code, or in what we are given: the application goes on, and its spans arrive."""

import asyncio
import logging

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

import langwatch_otel as langwatch
from _recorder import recording
from langwatch_otel import (
    capture,
    current,
    finding,
    log_processor,
    naming,
    open_span,
    running,
    scope,
    span_exporter,
    span_processor,
    stamping,
)

SECRET = "secret-4711"  # In every error that is injected and every id that is named; never in a log.


class BrokenError(Exception):
    """What the injected fault raises."""


def fault(*args, **kwargs):
    raise BrokenError(SECRET)


@pytest.fixture
def logged(caplog):
    """The messages of our logger."""
    caplog.set_level(logging.DEBUG, logger="langwatch_otel")

    def messages():
        return [each.getMessage() for each in caplog.records if each.name == "langwatch_otel"]

    return messages


@langwatch.trace(thread_id=SECRET, capture_input=True, capture_output=True)
def answer(question):
    langwatch.get_current_trace().update(metadata={"plan": "pro"})
    return question + "!"


@langwatch.span
async def tool(question):
    await asyncio.sleep(0)
    return question


@langwatch.trace(capture_output=True)
def stream(question):
    yield question
    return (yield "b")


@langwatch.trace
def fails():
    raise KeyError("k")


def application(tracer):
    """Do everything that passes through a hook of ours; return all that the application can see."""
    seen = []
    with tracer.start_as_current_span("request"):
        with tracer.start_as_current_span("early"):
            pass
        langwatch.set_conversation(thread_id=SECRET, user_id=SECRET)
        seen += [answer("a"), asyncio.run(tool("a")), list(stream("a"))]
        with pytest.raises(KeyError):
            fails()
        block = langwatch.span(name="block")
        with block as span, langwatch.conversation(user_id="u") as turn:
            span.set_attribute("k", 1)
            turn.update(input="a", thread_id=SECRET)
            asyncio.run(asyncio.to_thread(lambda: block.add_event("e")))
            seen += [type(turn.conversation).__name__, type(turn.root_span).__name__]
        seen.append(type(langwatch.get_conversation()).__name__)
    return seen


EXPECTED = ["a!", "a", ["a", "b"], "Conversation", "Span", "Conversation"]
ALL_SPANS = ["answer", "block", "early", "fails", "request", "stream", "tool"]

# Where the fault is put, and which of the spans cannot be made with it.
PLACES = [
    (span_processor, "OpenSpan", ()),
    (span_processor, "scope_of", ()),
    (span_processor, "_is_http", ()),
    (span_processor, "sequence", ()),
    (stamping.Stamper, "first", ()),
    (stamping.Stamper, "stamp", ()),
    (stamping.Stamper, "_squeeze", ()),
    (stamping.Stamper, "_survive", ()),
    (open_span.OpenSpan, "restamp", ()),
    (open_span.OpenSpan, "give", ()),
    (scope.Scope, "in_force", ()),
    (scope.Scope, "at_export", ()),
    (scope, "render", ()),
    (span_exporter, "copy_of", ()),
    (span_exporter, "without_excluded", ()),
    (span_exporter, "_count_unnamed", ()),
    (finding, "current_scope", ()),
    (naming, "bind", ()),
    (current, "conversation_of", ()),
    (current, "_turn_span", ()),
    (capture, "_Walk", ()),
    (running, "record_value", ()),
    (running, "record_error", ()),
    (running, "update_span", ()),
    (running, "_bound", ()),
    (running, "open_span_in", ()),
    (running.SpanRunning, "handle", ()),
    (running.Options, "look_at", ()),
    (running, "tracer", ("answer", "block", "fails", "stream", "tool")),
    (running, "open_scope", ("answer", "fails", "stream")),
]


@pytest.mark.parametrize(
    ("owner", "name", "lost"), PLACES, ids=[f"{owner.__name__}.{name}" for owner, name, _ in PLACES]
)
@pytest.mark.parametrize("late", [False, True], ids=["simple", "late"])
def test_a_fault_of_ours_stays_ours(monkeypatch, logged, owner, name, lost, late):
    """Wherever our code raises, the application sees the same, its spans arrive, and it is logged once."""
    with recording(late) as recorder:
        monkeypatch.setattr(owner, name, fault)
        assert [application(recorder.tracer), application(recorder.tracer)] == [EXPECTED, EXPECTED]
        assert recorder.names == sorted(2 * [span for span in ALL_SPANS if span not in lost])

    assert len(set(logged())) == len(logged())
    assert [line for line in logged() if SECRET in line] == []


def test_a_fault_at_the_end_of_a_span_stays_ours(logged):
    """Where on_end raises, the application sees the same, its spans arrive, and the log says it once."""

    class Ending(dict):
        pop = fault

    with recording(late=True) as recorder:
        for processor in recorder.provider._active_span_processor._span_processors:
            if isinstance(processor, langwatch.ConversationSpanProcessor):
                processor._ending = Ending()
        assert [application(recorder.tracer), application(recorder.tracer)] == [EXPECTED, EXPECTED]
        assert recorder.names == sorted(2 * ALL_SPANS)

    assert logged() == ["langwatch_otel failed while handing on a span that ended: BrokenError"]


def test_a_fault_is_logged_with_its_type(monkeypatch, logged):
    """The log of a fault says what was being done and the type of the error, nothing else."""
    with recording() as recorder:
        monkeypatch.setattr(span_processor, "OpenSpan", fault)
        application(recorder.tracer)

    assert logged() == [
        "langwatch_otel failed while starting a span: BrokenError",
        "span() is a handle inside its own `with` block only: outside it does nothing",  # Its span was not found.
    ]


def test_a_fault_at_one_span_leaves_the_others_named(monkeypatch):
    """A fault while one late span is named at export costs that span its name, and no other."""
    original = span_exporter.copy_of

    def fault_at_first(span, **changed):
        if span.name == "early":
            fault()
        return original(span, **changed)

    with recording(late=True) as recorder:
        monkeypatch.setattr(span_exporter, "copy_of", fault_at_first)
        with recorder.tracer.start_as_current_span("request"):
            for name in ("early", "second"):
                recorder.tracer.start_span(name).end()
            langwatch.set_conversation(thread_id="t")

        assert recorder.by_name == {
            "early": {},
            "second": {"session.id": "t"},
            "request": {"session.id": "t"},
        }


def test_a_batch_that_fails_takes_no_other_along(monkeypatch, logged):
    """Spans kept back that the real exporter refuses to take do not stop the batch after them."""
    with recording(late=True) as recorder:
        exporter = span_exporter.ConversationSpanExporter(recorder.exporter)
        with recorder.tracer.start_as_current_span("request"):
            recorder.tracer.start_span("early").end()
        early, request = recorder.spans
        recorder.exporter.clear()
        exporter._kept = [early]
        send = recorder.exporter.export
        monkeypatch.setattr(recorder.exporter, "export", lambda spans: fault() if early in spans else send(spans))
        exporter.export([request])

        assert [span.name for span in recorder.exporter.get_finished_spans()] == ["request"]
        assert logged() == ["langwatch_otel failed while exporting what was kept back: BrokenError"]


@pytest.mark.parametrize("name", ["scope_in", "render", "has_genai_key"])
def test_a_fault_at_a_log_record_stays_ours(monkeypatch, logged, name):
    """A log record that cannot be stamped is emitted as it is."""
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(langwatch.ConversationLogProcessor())
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr(log_processor, name, fault)
    with recording(), langwatch.trace(thread_id=SECRET):
        provider.get_logger("application").emit(body="hello", attributes={"k": 1})
    provider.shutdown()

    found = [(each.log_record.body, dict(each.log_record.attributes)) for each in exporter.get_finished_logs()]
    assert found == [("hello", {"k": 1})]
    assert logged() == ["langwatch_otel failed while emitting a log record: BrokenError"]
