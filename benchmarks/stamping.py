"""What stamping adds to a span with two attributes of its own, against OpenTelemetry's baggage span processor.

Both put the same keys on the span. The baggage processor overwrites what the span's creator set; ours must not.
Run: python benchmarks/stamping.py
"""

from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer, set_span_in_context
from rounds import fastest, show

import langwatch_otel as langwatch

OWN = {"http.route": "/chat", "count": 1}
TWO = {"session.id": "thread-0001", "user.id": "user-0001"}
FOUR = {**TWO, "langwatch.customer.id": "customer-1", "langwatch.metadata.plan": "pro"}


def tracer(*processors: SpanProcessor) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider.get_tracer("benchmark")


def start_and_end(made_by: Tracer, context: Context):
    def case() -> None:
        made_by.start_span("work", context, attributes=OWN).end()

    return case


def below_a_root(made_by: Tracer, context: Context):
    return start_and_end(made_by, set_span_in_context(made_by.start_span("root", context), context))


def in_baggage(pairs: dict[str, str]) -> Context:
    context = Context()
    for key, value in pairs.items():
        context = baggage.set_baggage(key, value, context)
    return context


def in_conversation(**fields: object) -> Context:
    from opentelemetry.context import get_current

    with langwatch.conversation(**fields):
        return get_current()


def main() -> None:
    token = attach(Context())
    bare, ours = tracer(), tracer(langwatch.ConversationSpanProcessor())
    theirs = tracer(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
    two = {"thread_id": "thread-0001", "user_id": "user-0001"}
    four = {**two, "customer_id": "customer-1", "metadata": {"plan": "pro"}}
    times = fastest(
        {
            "bare root": start_and_end(bare, Context()),
            "unnamed root": start_and_end(ours, Context()),
            "bare": below_a_root(bare, Context()),
            "unnamed": below_a_root(ours, Context()),
            "two, baggage": below_a_root(theirs, in_baggage(TWO)),
            "two, ours": below_a_root(ours, in_conversation(**two)),
            "four, baggage": below_a_root(theirs, in_baggage(FOUR)),
            "four, ours": below_a_root(ours, in_conversation(**four)),
        }
    )
    # From the first exporter of ours on, the end of a span without a name is noted, to name it on its way out.
    langwatch.ConversationSpanExporter(InMemorySpanExporter())
    noted = fastest(
        {
            "bare root": start_and_end(bare, Context()),
            "unnamed root": start_and_end(ours, Context()),
            "bare": below_a_root(bare, Context()),
            "unnamed": below_a_root(ours, Context()),
        }
    )
    detach(token)
    for keys, target in (("two", 1.2), ("four", 0.85)):
        ours_adds, theirs_adds = times[f"{keys}, ours"] - times["bare"], times[f"{keys}, baggage"] - times["bare"]
        detail = f"{ours_adds:.2f} us against {theirs_adds:.2f} us on a span of {times['bare']:.2f} us"
        show(f"stamping {keys} keys, of the baggage processor's", ours_adds / theirs_adds, target, detail)
    for found, when in ((times, ""), (noted, "; named as it is exported")):
        for kind in ("", " root"):
            bare_us, unnamed_us = found[f"bare{kind}"], found[f"unnamed{kind}"]
            detail = f"{unnamed_us:.2f} us against {bare_us:.2f} us{when}"
            show(f"a{kind or ' child'} span with no conversation, of a bare one", unnamed_us / bare_us, 1.25, detail)


if __name__ == "__main__":
    main()
