"""What is said later, or said again."""

import copy
import pickle

import pytest
from opentelemetry.sdk.trace import TracerProvider

import langwatch_otel as langwatch
from _servers import post
from langwatch_otel import config

INSTRUMENTOR = langwatch.LangWatchInstrumentor()


@pytest.fixture
def provider():
    made = TracerProvider(shutdown_on_exit=False)
    yield made
    INSTRUMENTOR.uninstrument()
    made.shutdown()


def test_a_user_that_is_named_after_the_thread_reaches_spans_that_had_ended(traced):
    """Each field that is named late comes to the spans that ended before it."""
    with traced.span("turn"):
        langwatch.set_conversation(thread_id="t")
        with traced.span("early"):
            pass
        langwatch.set_conversation(user_id="u", customer_id="c")
    assert {
        name: (found["session.id"], found["user.id"], found["langwatch.customer.id"])
        for name, found in traced.spans().items()
    } == {"early": ("t", "u", "c"), "turn": ("t", "u", "c")}


def test_a_later_call_takes_back_nothing(provider):
    """`instrument()` again keeps the settings that it does not name."""
    INSTRUMENTOR.instrument(tracer_provider=provider, conversation_id_on="all", max_id_length=20)
    INSTRUMENTOR.instrument(tracer_provider=provider, capture_content=True)
    found = config.active()
    assert (found.conversation_id_on, found.max_id_length, found.capture_content) == ("all", 20, True)


def test_a_processor_that_was_added_by_hand_is_the_one(provider):
    """`instrument()` on a provider that has our processor adds no second one."""
    provider.add_span_processor(langwatch.ConversationSpanProcessor())
    INSTRUMENTOR.instrument(tracer_provider=provider)
    assert len(provider._active_span_processor._span_processors) == 1


def test_a_turn_that_may_still_name_itself_is_not_named_by_another(traced):
    """Spans of an open, unnamed `trace()` go out without the id of the turn before it in the request."""
    app = traced.app()

    @traced.trace(name="one")
    def one(thread):
        with traced.span(f"before {thread}"):
            pass
        traced.provider.force_flush()
        langwatch.set_conversation(thread_id=thread)

    @app.post("/turn")
    def turn():
        for thread in ("a", "b"):
            one(thread)
        return {}

    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
    traced.provider.force_flush()
    found = [span for span in traced.exporter.get_finished_spans() if span.name.startswith("before")]
    assert [(span.name, span.attributes.get("session.id")) for span in found] == [
        ("before a", None),
        ("before b", None),
    ]


def test_a_conversation_can_be_copied_and_sent_to_another_process():
    """A copy, also through pickle, is equal; that of nobody is the one that is empty."""
    with langwatch.conversation(thread_id="t", labels=["a"], metadata={"plan": "pro"}):
        named = langwatch.get_conversation()
    made = [copy.copy(named), copy.deepcopy(named), pickle.loads(pickle.dumps(named))]
    assert made == [named] * 3
    assert [dict(each.metadata) for each in made] == [{"plan": "pro"}] * 3
    assert not pickle.loads(pickle.dumps(langwatch.get_conversation()))
