"""Conversations go along with messages: of a producer and a consumer whose spans are made by hand, as for Kafka."""

import pytest
from opentelemetry import context, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter, Setter
from opentelemetry.trace import Link, SpanKind

import langwatch_otel as langwatch
from _recorder import recording


class Headers(Setter, Getter):
    """Headers as Kafka's clients have them: pairs of a name and bytes."""

    def set(self, carrier, key, value):
        carrier.append((key, value.encode()))

    def get(self, carrier, key):
        return [value.decode() for name, value in carrier if name == key] or None

    def keys(self, carrier):
        return [name for name, _ in carrier]


HEADERS = Headers()


def produced(recorder, thread, **attributes):
    """The headers of a message that is sent in a conversation, or in none."""
    headers = [("kind", b"question")]
    named = langwatch.conversation(thread_id=thread, user_id=f"user of {thread}")
    with named, recorder.tracer.start_as_current_span("send", kind=SpanKind.PRODUCER, attributes=attributes):
        propagate.inject(headers, setter=HEADERS)
    return headers


def as_child(came):
    return {"context": came}


def linked(came):
    """A trace of its own, which points to the message's."""
    link = Link(trace.get_current_span(came).get_span_context())
    return {"context": trace.set_span_in_context(trace.INVALID_SPAN, came), "links": [link]}


@pytest.fixture
def recorder():
    with recording() as found:
        yield found


@pytest.mark.parametrize("way", [as_child, linked])
def test_each_message_of_a_batch_has_its_own_conversation(recorder, way):
    """Of messages that are polled at once, each one's spans have its ids, and the poll has none."""
    messages = [produced(recorder, thread) for thread in ("a", "b", None)]
    recorder.exporter.clear()
    with recorder.tracer.start_as_current_span("poll", kind=SpanKind.CONSUMER):
        for headers in messages:
            given = way(propagate.extract(headers, Context(), HEADERS))
            token = context.attach(given["context"])
            with recorder.tracer.start_as_current_span("process", kind=SpanKind.CONSUMER, **given):
                recorder.tracer.start_span("work").end()
            context.detach(token)
    ids = [(span.name, *map(span.attributes.get, ("session.id", "user.id"))) for span in recorder.spans]
    of = {thread: (thread, f"user of {thread}") for thread in ("a", "b")} | {None: (None, "user of None")}
    assert ids == [(name, *of[t]) for t in ("a", "b", None) for name in ("work", "process")] + [("poll", None, None)]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, b"session.id=a,user.id=user%20of%20a"),
        ({"server.address": "broker.internal"}, b"session.id=a,user.id=user%20of%20a"),
        ({"server.address": "broker.example.com"}, None),
    ],
)
def test_a_broker_outside_is_told_nothing(recorder, attributes, expected):
    """Ids are in a message unless its span names a broker outside; the trace goes along everywhere."""
    headers = dict(produced(recorder, "a", **attributes))
    assert (headers["kind"], "traceparent" in headers, headers.get("baggage")) == (b"question", True, expected)


def test_a_message_that_is_passed_on_is_of_the_next_ones_conversation(recorder):
    """Headers that are used again lose the ids that they came with."""
    headers = produced(recorder, "a")
    with recorder.tracer.start_as_current_span("send", kind=SpanKind.PRODUCER):
        propagate.inject(headers, setter=HEADERS)
    assert [value for name, value in headers if name == "baggage"] == []
    named = langwatch.conversation(thread_id="b")
    with named, recorder.tracer.start_as_current_span("send", kind=SpanKind.PRODUCER):
        propagate.inject(headers, setter=HEADERS)
    assert [value for name, value in headers if name == "baggage"] == [b"session.id=b"]


def test_a_name_below_a_messages_span_is_not_lent_to_what_comes_after(recorder):
    """The message's own span takes the first name that is said below it; what starts beside takes none."""
    headers = produced(recorder, None)
    recorder.exporter.clear()
    context = propagate.extract(headers, Context(), HEADERS)
    with recorder.tracer.start_as_current_span("process", context, kind=SpanKind.CONSUMER):
        for thread in ("a", "b"):
            with langwatch.conversation(thread_id=thread):
                recorder.tracer.start_span(f"work for {thread}").end()
            recorder.tracer.start_span("between").end()
    ids = [(span.name, span.attributes.get("session.id")) for span in recorder.spans]
    assert ids == [("work for a", "a"), ("between", None), ("work for b", "b"), ("between", None), ("process", "a")]


class Deaf(W3CBaggagePropagator):
    """A propagator that writes baggage, and reads none."""

    def extract(self, carrier, context=None, getter=None):
        return context or Context()


def test_baggage_that_the_propagator_does_not_ask_for_is_read_all_the_same():
    """The ids of a message are read also where the application's propagator reads no baggage."""
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(Deaf())
    try:
        with recording() as found:
            headers = produced(found, "a")
            with found.tracer.start_as_current_span("process", context=propagate.extract(headers, getter=HEADERS)):
                assert langwatch.get_conversation().thread_id == "a"
    finally:
        propagate.set_global_textmap(before)
