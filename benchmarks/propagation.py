"""What the border costs, against OpenTelemetry's own composite propagator that carries the same two ids as baggage.

Run: python benchmarks/propagation.py
"""

from opentelemetry import baggage, propagate
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, set_span_in_context
from rounds import fastest, show

import langwatch_otel as langwatch

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REQUEST = {
    "url.full": "http://orders.internal:8080/v1/orders",
    "server.address": "orders.internal",
    "server.port": 8080,
}


def injecting(propagator, context: Context):
    return lambda: propagator.inject({}, context)


def extracting(propagator, **headers: str):
    return lambda: propagator.extract({"traceparent": PARENT, **headers})


def main() -> None:
    stock = propagate.get_global_textmap()
    provider = TracerProvider(shutdown_on_exit=False)
    langwatch.LangWatchInstrumentor().instrument(tracer_provider=provider)
    ours = propagate.get_global_textmap()
    made_by = provider.get_tracer("benchmark")

    def call(kind: SpanKind = SpanKind.CLIENT) -> Context:
        return set_span_in_context(made_by.start_span("GET", kind=kind, attributes=REQUEST))

    bare = set_span_in_context(made_by.start_span("GET", Context(), kind=SpanKind.CLIENT, attributes=REQUEST))
    two = baggage.set_baggage("user.id", "user-0001", baggage.set_baggage("session.id", "thread-0001", bare))
    with langwatch.conversation(thread_id="thread-0001", user_id="user-0001"):
        named = call()
    ids = "session.id=thread-0001,user.id=user-0001"
    times = fastest(
        {
            "inject two, stock": injecting(stock, two),
            "inject two, ours": injecting(ours, named),
            "inject none, stock": injecting(stock, bare),
            "inject none, ours": injecting(ours, bare),
            "extract two, stock": extracting(stock, baggage=ids),
            "extract two, ours": extracting(ours, baggage=ids),
            "extract none, stock": extracting(stock),
            "extract none, ours": extracting(ours),
        },
        rounds=400,  # Short ones, of which some are left alone on a busy machine.
        calls=10,
    )
    langwatch.LangWatchInstrumentor().uninstrument()
    for what in ("inject", "extract"):
        ours_us, stock_us = times[f"{what} two, ours"], times[f"{what} two, stock"]
        show(f"{what} two ids, of the stock propagator", ours_us / stock_us, 2, f"{ours_us:.2f} us, {stock_us:.2f} us")
        ours_us, stock_us = times[f"{what} none, ours"], times[f"{what} none, stock"]
        more = f"{ours_us - stock_us:.2f} us more (target 3.00)"
        show(f"{what} without a conversation", ours_us / stock_us, float("inf"), f"{more} than {stock_us:.2f} us")


if __name__ == "__main__":
    main()
