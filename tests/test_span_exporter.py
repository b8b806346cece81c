"""Naming at export: what changes on a span, what does not, and that as many go out as come in."""

from collections import Counter

import pytest
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

import langwatch_otel as langwatch
from _servers import post
from langwatch_otel.open_span import open_span_of

REMOTE = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "b")]))
LIMITS = SpanLimits(max_span_attributes=8, max_events=2, max_links=2, max_attribute_length=100)


@pytest.fixture
def both(make_traced):
    """A provider that exports twice: through our wrapper, and as plain OpenTelemetry does to `plain`."""
    traced = make_traced(resource=Resource({"service.name": "s"}, "https://schema"), span_limits=LIMITS)
    traced.plain = InMemorySpanExporter()
    traced.provider.add_span_processor(BatchSpanProcessor(traced.plain, schedule_delay_millis=600_000))
    return traced


def names(exporter):
    """How often each name went out."""
    return Counter(span.name for span in exporter.get_finished_spans())


def every_feature(traced, attributes):
    """A span with all that OTLP can say of one."""
    tracer = traced.provider.get_tracer("scope", "1.2", "https://scope.schema", {"of": "the scope"})
    span = tracer.start_span(
        "everything",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        links=[Link(SpanContext(5, number, is_remote=True), {"n": number}) for number in (1, 2, 3)],
        start_time=1_000,
    )
    for number in range(3):
        span.add_event("event", {"n": number, "list": [1.5, 2.5]}, timestamp=2_000 + number)
    span.set_status(Status(StatusCode.ERROR, "it broke"))
    span.end(end_time=9_000)
    return span


@pytest.mark.parametrize("count", [1, 5, 6, 7, 9])
def test_a_span_that_is_named_at_export_changes_in_nothing_else(both, count):
    """In OTLP's bytes the span is the one that plain OpenTelemetry sends, and two attributes more."""
    attributes = {f"key {number}": number for number in range(count)}
    remote = set_span_in_context(NonRecordingSpan(REMOTE))
    with both.tracer.start_as_current_span("root", context=remote, kind=SpanKind.SERVER):
        every_feature(both, attributes)
        langwatch.set_conversation(thread_id="t", user_id="u", labels=["l"])
    both.provider.force_flush()

    plain, named = (
        encode_spans([span for span in exporter.get_finished_spans() if span.name == "everything"])
        for exporter in (both.plain, both.exporter)
    )
    sent = named.resource_spans[0].scope_spans[0].spans[0]
    added = {pair.key for pair in sent.attributes[min(count, 8) :]}
    del sent.attributes[min(count, 8) :]
    assert added == {"session.id", "user.id"} | ({"langwatch.labels"} if count <= 5 else set())
    assert named == plain
    assert (sent.dropped_attributes_count, sent.dropped_events_count, sent.dropped_links_count) == (
        max(0, count - 8),
        1,
        1,
    )


def test_a_span_that_has_its_name_is_exported_as_it_is(both):
    """Nothing is copied where nothing is missing, and the order is the same."""
    with both.span("root"):
        langwatch.set_conversation(thread_id="t")
        every_feature(both, {})
    both.provider.force_flush()
    ours, plain = both.exporter.get_finished_spans(), both.plain.get_finished_spans()
    assert all(one is other for one, other in zip(ours, plain, strict=True))


def test_no_span_is_lost_and_none_is_made(both):
    """Whatever is named or not, as many spans of each name go out as with plain OpenTelemetry."""
    with both.span("never named"), both.span("child"):
        pass
    turn = both.trace(name="unnamed turn")
    with (
        both.span("root of scopes"),
        langwatch.conversation(),
        both.span("in a scope"),
        turn,
        both.span("in a turn"),
    ):
        pass
    with both.span("server", kind=SpanKind.SERVER, attributes={"http.method": "GET"}) as server:
        late = [both.tracer.start_span("ends after the server span") for _ in range(3)]
        with both.span("named turn"):
            pass
        langwatch.set_conversation(thread_id="t")
    late[0].end()
    both.tracer.start_span("starts after the server span", set_span_in_context(server)).end()
    both.batch.force_flush()
    for span in late[1:]:
        span.end()
    both.tracer.start_span("never ends")
    both.provider.force_flush()
    assert names(both.exporter) == names(both.plain)
    assert sum(names(both.plain).values()) == 12


def test_no_span_of_a_server_is_lost(both):
    """Requests that are named, named in a task, or never named send what plain OpenTelemetry sends."""
    app = both.app()

    @app.post("/{how}")
    async def turn(how: str):
        with both.span("look-up"):
            pass
        if how == "named":
            langwatch.set_conversation(thread_id="t")
        with langwatch.conversation(thread_id="t2" if how == "scoped" else None), both.span("work"):
            pass
        return {}

    with both.served(app) as port:
        for how in ("named", "scoped", "never") * 5:
            post(port, f"/{how}", {})
            both.batch.force_flush()
    both.provider.force_flush()
    assert names(both.exporter) == names(both.plain)
    assert sum(names(both.plain).values()) == 15 * 6


def test_a_deep_trace_is_walked_once(both):
    """What stands above a span without a name is looked for once for all on the way."""
    above = None
    spans = []
    for _ in range(100):
        above = both.tracer.start_span("deep", set_span_in_context(above) if above is not None else Context())
        spans.append(above)
    root, *below = [open_span_of(span) for span in spans]
    for span in reversed(spans):
        span.end()
    both.provider.force_flush()
    assert sum(names(both.exporter).values()) == 100
    assert {held.short_cut for held in below} == {root}
