"""A thread that an instrumentation puts on its span as it starts, where the application names none or another."""

from contextlib import contextmanager

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


@pytest.mark.parametrize("key", ["gen_ai.conversation.id", "session.id", "langwatch.langgraph.thread_id"])
@pytest.mark.parametrize("when", ["open", "ended"])
def test_what_an_instrumentation_set_is_not_ours_to_replace(traced, key, when):
    """The application's word replaces an adopted thread where we wrote it, on an open span and at export; no more."""
    with traced.span("request"), traced.span("inner"):
        agent = genai(traced, "agent", "theirs", key)
        with agent:
            if when == "open":
                langwatch.set_conversation(user_id="u")
                langwatch.set_conversation(thread_id="ours")
                langwatch.set_conversation(metadata={"plan": "pro"})
        langwatch.set_conversation(thread_id="ours")
    found = traced.spans()["agent"]
    assert {each: found.get(each) for each in (*OURS, key)} == dict.fromkeys(OURS, "ours") | {key: "theirs"}
    assert traced.spans()["request"]["session.id"] == "ours"


@pytest.mark.parametrize("key", ["gen_ai.conversation.id", "session.id"])
def test_what_every_span_of_an_instrumentation_has_stays_on_each(traced, key):
    """Model calls below an agent that start with its thread keep it under the key that they have it under."""
    user = langwatch.conversation(user_id="u")
    with traced.span("request"), user, genai(traced, "agent", "theirs", key), genai(traced, "model", "theirs", key):
        langwatch.set_conversation(thread_id="ours")
    for name in ("agent", "model"):
        assert {each: traced.spans()[name].get(each) for each in OURS} == dict.fromkeys(OURS, "ours") | {key: "theirs"}


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


def test_a_word_that_begins_like_a_placeholder_is_an_id(traced):
    """A thread that begins as a placeholder does, and goes on, is adopted."""
    for value in ("nonesuch-1", "unknown caller 7", "null4f"):
        with genai(traced, value, value):
            pass
    assert ids(traced) == {value: (value,) * 3 for value in ("nonesuch-1", "unknown caller 7", "null4f")}


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


@contextmanager
def late(tracer, name, thread, key="traceloop.association.properties.thread_id"):
    """A span that gets its conversation while it is open, as LangGraph's do under both instrumentations of it."""
    with tracer.start_as_current_span(name) as span:
        yield span
        if thread is not None:
            span.set_attribute(key, thread)


AGENTS = (
    "opentelemetry.instrumentation.langchain",
    "openinference.instrumentation.langchain",
    "opentelemetry.util.genai.handler",
)


@pytest.fixture(params=AGENTS)
def graph(request):
    """A provider whose exporter is wrapped, and the tracer of an instrumentation whose spans get the thread late."""
    with recording(late=True) as recorder:
        recorder.agents = recorder.provider.get_tracer(request.param)
        yield recorder


def test_a_thread_that_comes_later_is_the_turns_at_export(graph):
    """The thread that an agent's span has at its end names the turn: what ended before it, was open and came after."""
    with graph.tracer.start_as_current_span("request"):
        graph.tracer.start_span("before").end()
        with late(graph.agents, "agent", "a", "gen_ai.conversation.id"), late(graph.agents, "node", None):
            with late(graph.agents, "model", "a"):
                graph.tracer.start_span("call").end()
            graph.tracer.start_span("query").end()
        graph.tracer.start_span("after").end()
        assert langwatch.get_conversation().thread_id is None
    found = graph.by_name
    assert {name: each["session.id"] for name, each in found.items()} == dict.fromkeys(
        ("request", "before", "agent", "node", "model", "call", "query", "after"), "a"
    )
    assert [found[name]["langwatch.thread.id"] for name in ("agent", "node", "model")] == ["a"] * 3


def test_agents_with_late_threads_in_a_batch_keep_their_own(graph):
    """Each agent's spans have their own thread, the root the first; what is neither's has none, and never another's."""
    with graph.tracer.start_as_current_span("batch"):
        for thread in "ab":
            with late(graph.agents, f"agent {thread}", thread):
                graph.tracer.start_span(f"early {thread}").end()
                with late(graph.agents, f"model {thread}", thread):
                    pass
                graph.tracer.start_span(f"query {thread}").end()
        graph.tracer.start_span("neither's").end()
    found = {name: each.get("session.id") for name, each in graph.by_name.items()}
    assert found.pop("batch") == "a"
    assert found.pop("neither's") is None
    assert found == {name: name[-1] for name in found}
    assert len(found) == 8


def test_what_goes_out_before_its_agents_thread_is_known_has_no_other(graph):
    """A span below an open agent waits for one batch, and then goes out without a thread: not with the last agent's."""
    with graph.tracer.start_as_current_span("batch"):
        with late(graph.agents, "agent a", "a"):
            pass
        with late(graph.agents, "agent b", "b"):
            graph.tracer.start_span("query b").end()
            assert {name: each.get("session.id") for name, each in graph.by_name.items()} == {
                "agent a": "a",
                "query b": None,
            }


def test_the_applications_thread_goes_before_a_late_one(graph):
    """Named before or after it: what an agent's span has at its end changes nothing."""
    with graph.tracer.start_as_current_span("request"):
        with late(graph.agents, "agent", "theirs", "gen_ai.conversation.id"):
            graph.tracer.start_span("query").end()
        langwatch.set_conversation(thread_id="ours")
        with late(graph.agents, "second", "theirs", "gen_ai.conversation.id"):
            pass
    found = graph.by_name
    assert {name: each["session.id"] for name, each in found.items()} == dict.fromkeys(
        ("request", "agent", "query", "second"), "ours"
    )
    assert [found[name]["langwatch.thread.id"] for name in ("agent", "second")] == ["ours"] * 2
    assert [found[name]["gen_ai.conversation.id"] for name in ("agent", "second")] == ["theirs"] * 2


def test_a_late_thread_stays_below_what_is_sealed(graph):
    """Turns with `adopt=False` leave the batch around them alone, and one another."""
    with graph.tracer.start_as_current_span("batch"):
        for thread in "ab":
            with langwatch.trace(name=f"turn {thread}", adopt=False), late(graph.agents, f"agent {thread}", thread):
                pass
        with langwatch.trace(name="turn"):
            pass
    found = {name: each.get("session.id") for name, each in graph.by_name.items()}
    assert found == {"batch": None, "turn": None, "turn a": "a", "turn b": "b", "agent a": "a", "agent b": "b"}


def test_a_late_thread_is_the_requests(graph):
    """In an HTTP request it names what ended around the `trace()` that the agent ran in, too."""
    http = {"http.request.method": "POST"}
    with graph.tracer.start_as_current_span("request", kind=SpanKind.SERVER, attributes=http):
        graph.tracer.start_span("dependencies").end()
        with langwatch.trace(name="turn"), late(graph.agents, "agent", "a"):
            pass
        graph.tracer.start_span("send").end()
    assert {name: each["session.id"] for name, each in graph.by_name.items()} == dict.fromkeys(
        ("request", "dependencies", "turn", "agent", "send"), "a"
    )
