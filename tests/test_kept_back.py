"""Spans that wait, between their end and their export, for a name that may still come."""

import subprocess
import sys
from collections import Counter

import pytest
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import langwatch_otel as langwatch
from _servers import clean_environment, free_port
from langwatch_otel.workbench.receiver import Receiver


def names(exporter):
    """How often each name went out."""
    return Counter(span.name for span in exporter.get_finished_spans())


def test_what_may_still_be_named_waits_for_one_batch(traced):
    """A span that ended in an open, unnamed turn goes out one batch later, with the name if that came."""

    def batch():
        traced.batch.force_flush()
        found = [(span.name, span.attributes.get("session.id")) for span in traced.exporter.get_finished_spans()]
        traced.exporter.clear()
        return found

    def end(name):
        traced.tracer.start_span(name).end()

    with traced.span("root"):
        end("one")
        first = batch()
        end("two")
        second = batch()
        langwatch.set_conversation(thread_id="t")
        end("three")
        third = batch()
    fourth = batch()
    assert [first, second, third, fourth] == [
        [],
        [("one", None)],
        [("two", "t"), ("three", "t")],
        [("root", "t")],
    ]


def test_a_turn_that_is_over_without_a_name_does_not_wait(traced):
    """Where no name can come any more nothing is kept back."""
    with traced.span("root"), langwatch.conversation(), traced.trace(name="turn"):
        pass
    traced.batch.force_flush()
    assert names(traced.exporter) == {"root": 1, "turn": 1}


def test_what_waits_is_bounded():
    """Of a batch of a thousand spans that might be named 512 wait, and the others go out at once."""
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(langwatch.ConversationSpanProcessor())
    wrapped = langwatch.ConversationSpanExporter(exporter)
    batch = BatchSpanProcessor(wrapped, 2000, schedule_delay_millis=600_000, max_export_batch_size=2000)
    provider.add_span_processor(batch)
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("root"):
        for _ in range(1000):
            tracer.start_span("span").end()
        batch.force_flush()
        at_once = names(exporter)["span"]
    provider.shutdown()
    assert (at_once, names(exporter)) == (1000 - 512, {"span": 1000, "root": 1})


@pytest.mark.parametrize("how", ["force_flush", "shutdown"])
@pytest.mark.parametrize("ours", ["first", "last", "missing"])
def test_flushing_lets_go_of_what_waits(how, ours):
    """A provider's force_flush() and shutdown() send all that has ended, whatever its processors' order."""
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    batch = BatchSpanProcessor(langwatch.ConversationSpanExporter(exporter), schedule_delay_millis=600_000)
    processors = [langwatch.ConversationSpanProcessor(), batch]
    for processor in {"first": processors, "last": processors[::-1], "missing": [batch]}[ours]:
        provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("root"):
        tracer.start_span("waits").end()
        batch.force_flush()
        tracer.start_span("queued").end()
        getattr(provider, how)()
        found = names(exporter)
    if how == "force_flush":
        provider.shutdown()
        assert names(exporter) == {"waits": 1, "queued": 1, "root": 1}
    assert found == {"waits": 1, "queued": 1}


@pytest.mark.parametrize("how", ["force_flush", "shutdown"])
def test_sending_what_waits_makes_no_span(how):
    """The request that takes it out is no call of the application's, where its HTTP client is instrumented too."""
    provider, instrumentor = TracerProvider(shutdown_on_exit=False), RequestsInstrumentor()
    with Receiver() as receiver:
        exporter = langwatch.ConversationSpanExporter(OTLPSpanExporter(f"{receiver.endpoint}/v1/traces"))
        batch = BatchSpanProcessor(exporter, schedule_delay_millis=600_000)
        provider.add_span_processor(langwatch.ConversationSpanProcessor())
        provider.add_span_processor(batch)
        instrumentor.instrument(tracer_provider=provider)
        try:
            with provider.get_tracer("t").start_as_current_span("root"):
                provider.get_tracer("t").start_span("waits").end()
                batch.force_flush()
                getattr(exporter, how)()
            provider.shutdown()
        finally:
            instrumentor.uninstrument()
    assert {span.name for span in receiver.spans} == ({"waits", "root"} if how == "force_flush" else {"waits"})


def test_the_exporters_result_is_passed_on(traced):
    """A failure of the wrapped exporter is ours, also where it failed with what was kept back alone."""
    ended = InMemorySpanExporter()
    traced.provider.add_span_processor(SimpleSpanProcessor(ended))
    port = free_port()
    wire = OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces", timeout=0.2)
    exporter = langwatch.ConversationSpanExporter(wire)
    with traced.span("root"):
        traced.tracer.start_span("waits").end()
        traced.tracer.start_span("is over", Context()).end()
        waits, over = ([span] for span in ended.get_finished_spans())
        results = [exporter.export(spans) for spans in (waits, [], over)]
        with Receiver(port) as receiver:
            results.append(exporter.export(over))
    exporter.shutdown()
    assert [result.name for result in results] == ["SUCCESS", "FAILURE", "FAILURE", "SUCCESS"]
    assert [span.name for span in receiver.spans] == ["is over"]


FORK = """
import os, sys, warnings
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
import langwatch_otel as langwatch

warnings.simplefilter("ignore", DeprecationWarning)  # Of fork with threads: what servers do.
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(langwatch.ConversationSpanProcessor())
exporter = langwatch.ConversationSpanExporter(OTLPSpanExporter(sys.argv[1]))
batch = BatchSpanProcessor(exporter, schedule_delay_millis=600_000)
provider.add_span_processor(batch)
tracer = provider.get_tracer("t")
with tracer.start_as_current_span("root"):
    tracer.start_span("waits").end()
    batch.force_flush()
    child = os.fork()
    if child == 0:
        langwatch.set_conversation(thread_id="child")
        tracer.start_span("of the child").end()
        provider.shutdown()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    langwatch.set_conversation(thread_id="parent")
provider.shutdown()
"""


def test_a_fork_sends_nothing_of_its_parents():
    """What was kept back when a process forked is sent by the parent, and the child sends its own spans."""
    with Receiver() as receiver:
        command = [sys.executable, "-W", "error", "-c", FORK, f"{receiver.endpoint}/v1/traces"]
        subprocess.run(command, env=clean_environment(), check=True, timeout=60)
    found = sorted((span.name, span.attributes.get("session.id")) for span in receiver.spans)
    assert found == [("of the child", "child"), ("root", "parent"), ("waits", "parent")]
