"""Where a call goes from a stranger to a neighbour its ids are put on before the wire: where, and where not."""

from contextlib import contextmanager

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import attach, detach
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import langwatch_otel as langwatch
from _clients import CLIENTS
from _wire import border, route

NEAR, STRANGE = "orders.internal", "api.example.com"


@contextmanager
def calling(recorder, **attributes):
    """A CLIENT span in a conversation, and the headers that were written under it."""
    token = attach(baggage.set_baggage("plan", "pro"))
    headers, named = {}, langwatch.conversation(thread_id="the-thread")
    with named, recorder.tracer.start_as_current_span("call", kind=SpanKind.CLIENT, attributes=attributes):
        propagate.inject(headers)
        yield headers
    detach(token)


@pytest.mark.parametrize("client", CLIENTS)
def test_where_nobody_asked_for_ids_none_are_put_on(client, noted, everywhere):
    """Under a CLIENT span a request gets ids at a neighbour where its headers name that span, and only there."""
    client, (port, requests) = CLIENTS[client], noted
    pytest.importorskip(client.library)
    requests.clear()
    stranger = {"server.address": STRANGE}
    with border() as recorder:
        with calling(recorder, **stranger) as headers:
            client.call(route(port, NEAR), headers, None)  # The span said another host than the one that is called.
            client.call(route(port, NEAR), {}, None)
            with recorder.tracer.start_as_current_span("another", kind=SpanKind.CLIENT):
                client.call(route(port, NEAR), headers, None)
            with recorder.tracer.start_as_current_span("of no call"):
                client.call(route(port, NEAR), headers, None)
            client.call(route(port, STRANGE), headers, None)
            propagate.set_global_textmap(TraceContextTextMapPropagator())
            client.call(route(port, NEAR), headers, None)
        client.call(route(port, NEAR), headers, None)
    found = ["plan=pro,session.id=the-thread", None, *["plan=pro"] * 5]
    assert [request.get("baggage") for request in requests] == found


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_put_on_leaves_other_baggage_whole(client, noted, everywhere):
    """At the neighbour ids stand after all other entries, and stay out where those leave no room."""
    client, (port, requests) = CLIENTS[client], noted
    requests.clear()
    entries = [f"k{number}={'x' * 4000}" for number in (1, 2)]
    with border() as recorder, client.on(recorder.provider), langwatch.conversation(thread_id="the-thread"):
        for baggage_of in (entries[:1], [*entries, f"k3={'x' * 170}"]):
            token = attach(propagate.extract({"baggage": ",".join(baggage_of)}))
            with langwatch.conversation(thread_id="the-thread"):
                client.call(route(port, STRANGE, NEAR), {}, None)
            detach(token)
    whole = [",".join(entries[:1]), ",".join([*entries, f"k3={'x' * 170}"])]
    assert [request["baggage"] for request in requests] == [
        whole[0],
        f"{whole[0]},session.id=the-thread",
        whole[1],
        whole[1],
    ]
