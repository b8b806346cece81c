"""A thread that an instrumentation puts on its span as it starts, where the application names none or another."""

import pytest
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

import langwatch_otel as langwatch
from _recorder import recording

OURS = ("session.id", "gen_ai.conversation.id", "langwatch.thread.id")


def genai(traced, name, thread, key="gen_ai.conversation.id", scope="opentelemetry.instrumentation.openai_agents"):
    """A span of an instrumentation that knows the conversation."""
    attributes = {} if thread is None else {key: thread}
    return traced.provider.get_tracer(scope).start_as_current_span(name, attributes=attributes)


def ids(traced):
    return {name: tuple(found.get(key) for key in OURS) for name, found in traced.spans().items()}


@pytest.mark.parametrize("around", ["trace", "span"])
def test_a_thread_that_an_instrumentation_knows_is_the_turns(traced, around):
    """Where nobody named a thread, all spans of the turn get the one that an agent's span starts with."""
    with traced.span("request"):
        with traced.span("ended before"):
            pass
        with traced.trace(name="turn") if around == "trace" else traced.span("turn"):
            with genai(traced, "agent", "a"), traced.span("tool"):
                assert langwatch.get_conversation().thread_id == "a"
            with traced.span("later"):
                pass
    found = ids(traced)
    assert {name: thread for name, (thread, _, _) in found.items() if name != "ended before"} == dict.fromkeys(
        ("request", "turn", "agent", "tool", "later"), "a"
    )
    assert found["agent"] == ("a", "a", "a")


def test_the_applications_thread_takes_its_place(traced):
    """What an instrumentation knew gives way to the application's word; its own attribute stays as it set it."""
    with traced.span("request"):
        with genai(traced, "agent", "theirs"):
            pass
        langwatch.set_conversation(thread_id="ours")
        with genai(traced, "second agent", "theirs"):
            pass
    found = ids(traced)
    assert (found["request"][0], found["second agent"]) == ("ours", ("ours", "theirs", "ours"))


def test_a_thread_that_is_overwritten_later_is_kept_beside(traced):
    """An instrumentation that sets its own conversation id afterwards leaves ours in langwatch.thread.id."""
    with traced.trace(name="turn", thread_id="ours"), genai(traced, "model", None) as span:
        span.set_attribute("gen_ai.conversation.id", "conv_of_the_provider")
    assert ids(traced)["model"] == ("ours", "conv_of_the_provider", "ours")


def test_turns_beside_each_other_keep_their_own(traced):
    """Two turns in one process each have the thread of their own agent."""
    for thread in "ab":
        with traced.span(f"request {thread}"), genai(traced, f"agent {thread}", thread):
            pass
    assert {name: found[0] for name, found in ids(traced).items()} == {
        "request a": "a",
        "agent a": "a",
        "request b": "b",
        "agent b": "b",
    }


@pytest.mark.parametrize("around", ["trace", "span"])
def test_agents_one_after_the_other_in_a_batch_keep_their_own(traced, around):
    """A second agent under the same root has its own thread, and so has what runs below it."""
    with traced.trace(name="batch") if around == "trace" else traced.span("batch"):
        for thread in "ab":
            with genai(traced, f"agent {thread}", thread, scope="gcp.vertex.agent"):
                with genai(traced, f"model {thread}", thread), traced.span(f"query {thread}"):
                    assert langwatch.get_conversation().thread_id == thread
                with traced.trace(name=f"tool {thread}"), traced.span(f"call {thread}"):
                    pass
    found = ids(traced)
    assert found.pop("batch")[0] == "a"
    assert {name: thread for name, (thread, _, _) in found.items()} == {name: name[-1] for name in found}
    assert [found[f"agent {thread}"] for thread in "ab"] == [("a",) * 3, ("b",) * 3]


def test_a_thread_that_came_with_the_request_stays():
    """What the service before this one said goes before what an agent's instrumentation knows."""
    with recording() as recorder:
        context = propagate.extract({"baggage": "session.id=theirs"}, Context())
        with recorder.tracer.start_as_current_span("request", context, kind=SpanKind.SERVER):
            agents = recorder.provider.get_tracer("pydantic-ai")
            agents.start_span("agent", attributes={"gen_ai.conversation.id": "agents own"}).end()
        found = recorder.by_name
    assert {name: found[name]["session.id"] for name in found} == {"request": "theirs", "agent": "theirs"}


@pytest.mark.parametrize("value", ["", " ", "[Scrubbed due to 'session']", "None", 7, True])
def test_what_is_no_id_names_nothing(traced, value):
    """A blank, a placeholder or another type on an instrumentation's span is not adopted."""
    with traced.span("request"), genai(traced, "agent", value):
        pass
    assert ids(traced)["request"] == (None, None, None)


def test_a_plain_span_is_not_asked(traced):
    """A conversation id that the application itself puts on a plain span names that span alone."""
    with traced.span("request"), traced.span("plain", attributes={"gen_ai.conversation.id": "x"}):
        pass
    assert ids(traced)["request"] == (None, None, None)
