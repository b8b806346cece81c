"""A provider that takes no span processors: what is put on the spans that its tracers start."""

import pytest
from opentelemetry import context, propagate, trace
from opentelemetry.util._once import Once

import langwatch_otel as langwatch
from _recorder import make_provider
from langwatch_otel import LangWatchInstrumentor, foreign_provider

LOST = "the OpenTelemetry context of this process keeps no values: a conversation holds in a request at most"
PLAIN = {"session.id": "t", "user.id": "u"}
GENAI = {**PLAIN, "gen_ai.conversation.id": "t", "langwatch.thread.id": "t"}


class Foreign(trace.TracerProvider):
    """Makes spans by the SDK, and tells nobody; `exporter` has them."""

    def __init__(self):
        self._made = make_provider()
        self.exporter = self._made.exporter

    def get_tracer(self, *args, **kwargs):
        return self._made.get_tracer(*args, **kwargs)

    def found(self):
        """{name: ids} of what has ended since it was asked last."""
        spans = self.exporter.get_finished_spans()
        self.exporter.clear()
        return {span.name: {key: span.attributes[key] for key in GENAI if key in span.attributes} for span in spans}


@pytest.fixture
def provider(monkeypatch, said):
    """The global one."""
    provider = Foreign()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    LangWatchInstrumentor().instrument()
    yield provider
    LangWatchInstrumentor().uninstrument()
    assert "get_tracer" not in vars(provider)


def test_spans_of_its_tracers_get_the_ids(provider, said):
    """Spans that start in a conversation have its ids, those of ours late ones too, and what a creator set stands."""
    tracer = trace.get_tracer("application")
    with langwatch.conversation(thread_id="t", user_id="u"):
        tracer.start_span("plain").end()
        tracer.start_span("genai", attributes={"gen_ai.system": "x"}).end()
        tracer.start_span("its own", None, trace.SpanKind.CLIENT, {"session.id": "own"}).end()
    with langwatch.trace(name="late"):
        langwatch.set_conversation("t")
        langwatch.get_current_trace().update(metadata={"user_id": "u"})
    tracer.start_span("outside").end()
    assert provider.found() == {
        "plain": PLAIN,
        "genai": GENAI,
        "its own": {**PLAIN, "session.id": "own"},
        "late": GENAI,
        "outside": {},
    }
    assert said() == []


def test_a_name_that_came_in_gives_way(provider):
    """What came in by baggage is on the span until the application names another."""
    headers = {"baggage": "session.id=inbound,user.id=u"}
    token = context.attach(propagate.extract(headers))
    with langwatch.trace(name="named"), langwatch.trace(name="not named"):
        pass
    with langwatch.trace(name="before"):
        langwatch.set_conversation("t")
    context.detach(token)
    found = {name: ids["session.id"] for name, ids in provider.found().items()}
    assert found == {"named": "inbound", "not named": "inbound", "before": "t"}


def test_a_second_thread_does_not_rename(provider):
    """A span that has a thread keeps it, when another is named around it."""
    with langwatch.trace(name="first", thread_id="t", user_id="u"):
        langwatch.set_conversation("second")
        with langwatch.trace(name="next"):
            pass
    found = provider.found()
    assert (found["first"], found["next"]["session.id"]) == (GENAI, "second")


def test_off_its_spans_are_its_own(provider, said):
    """After uninstrument() no span has an id; on and off again leaves one wrapper around a tracer and no more."""
    tracer = trace.get_tracer("application")
    for _ in range(3):
        LangWatchInstrumentor().uninstrument()
        with langwatch.trace(name="ours off", thread_id="t"):
            tracer.start_span("off").end()
        LangWatchInstrumentor().instrument()
        once = provider.get_tracer
        LangWatchInstrumentor().instrument()
        assert provider.get_tracer is once
        for _ in range(3):
            tracer = trace.get_tracer("application")
    with langwatch.trace(name="ours on", thread_id="t", user_id="u"):
        tracer.start_span("on").end()
    assert provider.found() == {"ours off": {}, "off": {}, "ours on": GENAI, "on": PLAIN}
    assert tracer.start_span.args[0].__func__ is type(tracer).start_span


def test_a_wrapper_on_top_of_ours_stays(provider):
    """Where somebody wrapped get_tracer after us theirs stays, and ours below it does nothing once off."""
    ours = provider.get_tracer
    provider.get_tracer = theirs = lambda *args, **kwargs: ours(*args, **kwargs)
    LangWatchInstrumentor().uninstrument()
    assert provider.get_tracer is theirs
    del provider.get_tracer


def test_a_context_that_keeps_nothing_is_told_of(provider, said, monkeypatch):
    """Where what is attached to the context is gone at once, the log says what that means."""

    class Forgetful:
        def attach(self, context):
            return object()

        def get_current(self):
            return context.Context()

        def detach(self, token):
            pass

    monkeypatch.setattr(context, "_RUNTIME_CONTEXT", Forgetful())
    foreign_provider.follow(provider)()
    assert said() == [LOST]


def test_a_tracer_that_takes_no_method_is_left_alone(provider, said):
    """A tracer with slots is given as it is, and its spans have no ids."""

    class Slotted:
        __slots__ = ()

        def start_span(self, name, *args, **kwargs):
            return trace.INVALID_SPAN

    LangWatchInstrumentor().uninstrument()
    provider._made.get_tracer = lambda *args, **kwargs: Slotted()
    LangWatchInstrumentor().instrument()
    assert type(trace.get_tracer("application")) is Slotted
    assert said() == ["langwatch_otel failed while following a tracer: TypeError"]
