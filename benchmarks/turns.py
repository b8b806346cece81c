"""What `@trace()` and `update()` cost on a function of two arguments, against a raw span with two attributes set.

Run: python benchmarks/turns.py
"""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_tracer_provider
from rounds import fastest, show

import langwatch_otel as langwatch

provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(langwatch.ConversationSpanProcessor())
set_tracer_provider(provider)
plain = TracerProvider(shutdown_on_exit=False).get_tracer("benchmark")


def raw(question: str, user: str) -> str:
    with plain.start_as_current_span("raw") as span:
        span.set_attribute("session.id", question)
        span.set_attribute("user.id", user)
        return "answer"


@langwatch.trace(capture_input=False, capture_output=False)
def quiet(question: str, user: str) -> str:
    langwatch.get_current_trace().update(metadata={"thread_id": "thread-0001", "user_id": user})
    return "answer"


@langwatch.trace(capture_input=True, capture_output=True)
def recorded(question: str, user: str) -> str:
    langwatch.get_current_trace().update(metadata={"thread_id": "thread-0001", "user_id": user})
    return "answer"


def main() -> None:
    times = fastest(
        {
            "raw": lambda: raw("what is it?", "user-0001"),
            "quiet": lambda: quiet("what is it?", "user-0001"),
            "recorded": lambda: recorded("what is it?", "user-0001"),
        }
    )
    for case, target, title in (
        ("quiet", 2.0, "@trace() and update(), capture off, of a raw span"),
        ("recorded", 3.0, "@trace() and update(), capture on, of a raw span"),
    ):
        show(title, times[case] / times["raw"], target, f"{times[case]:.2f} us against {times['raw']:.2f} us")


if __name__ == "__main__":
    main()
