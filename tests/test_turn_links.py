"""Turn links: the local root of each turn names the one of the turn before, in the same thread."""

import gc
import os
import threading
import weakref
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, TraceFlags

import langwatch_otel as langwatch
from _making import NATIVE
from _recorder import recording
from _servers import post
from langwatch_otel import LangWatchInstrumentor, scope, turn_links
from langwatch_otel.cli.app_server import AppServer
from langwatch_otel.workbench.receiver import Receiver

KIND = {"langwatch.link.kind": "previous_turn"}


@pytest.fixture(autouse=True)
def no_turn_is_known():
    """Whoever ran before in this process has had turns as well."""
    turn_links.forget()


class RecordOnly(Sampler):
    """Has spans recorded that nobody exports."""

    def should_sample(self, *_, **__):
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self):
        return "RecordOnly"


def turn(recorder, name, thread, late=False):
    """One turn: a local root, a span below it, and the thread's name."""
    with recorder.tracer.start_as_current_span(name, attributes={"http.request.method": "POST"}):
        if not late:
            langwatch.set_conversation(thread)
        with recorder.tracer.start_as_current_span(f"below {name}"):
            if late:
                langwatch.set_conversation(thread)


def links(recorder):
    """{name: [(name that is linked to, the link's attributes)]} of the spans that have links."""
    names = {span.context.span_id: span.name for span in recorder.spans}
    return {
        span.name: [(names.get(link.context.span_id), dict(link.attributes)) for link in span.links]
        for span in recorder.spans
        if span.links
    }


@pytest.mark.parametrize("late", [False, True])
def test_each_turn_is_linked_to_the_one_before(late):
    """Turns of one thread make a chain of local roots, whoever speaks in between; other spans have no link."""
    with recording() as recorder:
        for number, thread in enumerate(["a", "b", "a", "a", "b"]):
            turn(recorder, f"{thread}{number}", thread, late)
        expected = {"a2": [("a0", KIND)], "a3": [("a2", KIND)], "b4": [("b1", KIND)]}
        assert links(recorder) == expected


def test_a_root_that_starts_in_a_conversation_is_a_turn():
    """A local root that has its thread as it starts is linked too, by decorators as by blocks."""
    with recording() as recorder:
        for name in ("first", "second"):
            with langwatch.trace(name=name, thread_id="t"):
                recorder.tracer.start_span("inside").end()
        with langwatch.conversation(thread_id="t"):
            recorder.tracer.start_span("third").end()
        assert links(recorder) == {"second": [("first", KIND)], "third": [("second", KIND)]}


def test_what_is_said_again_of_a_turn_adds_no_link():
    """A turn has one link at most, however often it is named, and with what else."""
    with recording() as recorder:
        turn(recorder, "first", "t")
        with recorder.tracer.start_as_current_span("second"):
            langwatch.set_conversation("t")
            threading.Thread(target=turn, args=(recorder, "beside", "t")).start()
            for number in range(3):
                langwatch.set_conversation("t", "u", metadata={"number": number})
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and thread._target is turn:
                thread.join()
        found = links(recorder)
        assert found == {"second": [("first", KIND)], "beside": [("second", KIND)]}


@pytest.mark.parametrize("off", [{"turn_links": False}, {"turn_links": "no"}])
def test_links_can_be_left_out(off):
    """`turn_links=false` leaves spans as they are, and nothing is remembered."""
    with recording(settings=off) as recorder:
        for name in ("first", "second"):
            turn(recorder, name, "t")
        assert links(recorder) == {}
        assert turn_links._latest == {}


def test_what_is_not_sampled_is_no_turn():
    """A turn that is not exported is linked to by none."""
    with recording(sampler=RecordOnly()) as recorder:
        turn(recorder, "first", "t")
        assert turn_links._latest == {}


def test_a_span_that_is_full_of_links_keeps_them():
    """No link of the application's goes for ours."""
    own = [Link(SpanContext(1, number, False, TraceFlags(1))) for number in range(1, 4)]
    with recording(span_limits=SpanLimits(max_links=3)) as recorder:
        turn(recorder, "first", "t")
        with recorder.tracer.start_as_current_span("full", links=own):
            langwatch.set_conversation("t")
        turn(recorder, "third", "t")
        found = {span.name: [link.context.span_id for link in span.links] for span in recorder.spans}
        assert found["full"] == [1, 2, 3]
        assert links(recorder)["third"] == [("full", KIND)]


def test_so_many_threads_are_known(monkeypatch):
    """The latest threads are known, in the order of their last turns; what is kept is bounded."""
    monkeypatch.setattr(turn_links, "MAX_THREADS", 2)
    with recording() as recorder:
        for number, thread in enumerate("abacba"):
            turn(recorder, f"{thread}{number}", thread)
        assert list(turn_links._latest) == ["b", "a"]
        assert links(recorder) == {"a2": [("a0", KIND)]}


def test_no_span_is_kept():
    """A turn that is over can be collected, though it is known; `uninstrument()` forgets all."""
    provider = TracerProvider(shutdown_on_exit=False)
    LangWatchInstrumentor().instrument(tracer_provider=provider)
    try:
        with provider.get_tracer("application").start_as_current_span("turn") as span:
            langwatch.set_conversation("t")
        kept = weakref.ref(span)
        del span
        gc.collect()
        assert kept() is None
        assert {type(each) for each in turn_links._latest.values()} == {SpanContext}
    finally:
        LangWatchInstrumentor().uninstrument()
    assert turn_links._latest == {}


def test_threads_at_once():
    """Turns of many threads at once: of each conversation every turn but the first has one link, to another turn."""
    with recording() as recorder:
        ready = threading.Barrier(8)

        def talk():
            ready.wait()
            for number in range(50):
                turn(recorder, f"{number}", f"t{number % 3}")

        threads = [threading.Thread(target=talk) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        roots = [span for span in recorder.spans if span.parent is None]
        linked = [span.links[0].context.span_id for span in roots if span.links]
        assert (len(roots), len(linked), len(set(linked))) == (400, 397, 397)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_knows_the_turns_of_its_parent():
    """A fork leaves no lock held: a child links its turn to the last one that its parent had."""
    with recording() as recorder:
        turn(recorder, "first", "t")
        with scope.lock:
            child = os.fork()
            if child == 0:
                os._exit(_links_in_child(recorder))
        assert os.waitpid(child, 0)[1] == 0


def _links_in_child(recorder):
    worker = threading.Thread(target=turn, args=(recorder, "second", "t"), daemon=True)
    worker.start()
    worker.join(10)
    return 0 if links(recorder) == {"second": [("first", KIND)]} else 1


@contextmanager
def served():
    """A FastAPI application with spans of its own, asked by what is yielded; then its server spans, in order."""
    spans = []
    with Receiver() as receiver:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{receiver.endpoint}/v1/traces")))
        LangWatchInstrumentor().instrument(tracer_provider=provider, thread_id_from="header:x-thread")
        app = FastAPI(telemetry={"tracer_provider": provider, "metrics": False}, openapi_url=None)

        @app.post("/chat")
        async def chat(body: dict):
            langwatch.set_conversation(body.get("thread_id"))

        try:
            with AppServer(app) as server:
                yield lambda body, **headers: post(server.port, "/chat", body, headers), spans
            provider.force_flush()
            spans += sorted((each for each in receiver.spans if each.kind == "SERVER"), key=lambda each: each.start_ns)
        finally:
            LangWatchInstrumentor().uninstrument()
            provider.shutdown()


@pytest.mark.skipif(not NATIVE, reason="not run: this FastAPI makes no spans of its own")
def test_requests_are_linked_over_otlp():
    """A server span, named late, is linked to the one of the turn before; what a stranger claimed is no turn."""
    with served() as (ask, spans):
        ask({"thread_id": "t"})
        ask({"thread_id": "other"})
        ask({"thread_id": "own"}, **{"x-thread": "t"})  # The application knows better.
        ask({"thread_id": "t"})
        ask({}, **{"x-thread": "t"})
        ask({"thread_id": "own"})
    places = {span.span_id: number for number, span in enumerate(spans)}
    found = [[(places[link.span_id], link.trace_id, dict(link.attributes)) for link in span.links] for span in spans]
    traces = [span.trace_id for span in spans]
    claimed = (0, traces[0], KIND)
    assert found == [[], [], [claimed], [claimed], [(3, traces[3], KIND)], [(2, traces[2], KIND)]]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (SpanLimits(max_attribute_length=8), {"langwatch.link.kind": "previous"}),
        (SpanLimits(max_link_attributes=0), {}),
    ],
    ids=["length", "count"],
)
def test_a_link_keeps_to_the_limits_of_its_provider(limits, expected):
    """Where a provider bounds attributes, those of our links are bounded as anybody's."""
    with recording(span_limits=limits) as recorder:
        turn(recorder, "a", "t")
        turn(recorder, "b", "t")
        assert links(recorder) == {"b": [("a", expected)]}
