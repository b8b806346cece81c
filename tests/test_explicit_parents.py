"""Spans whose parent, context or thread is not the one that runs."""

import sys
import threading
import time

import pytest
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_span_in_context

import langwatch_otel as langwatch


def in_thread(work):
    """Run `work` in a thread of its own, whose context is empty, to its end."""
    failed = []

    def run():
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert failed == []


@pytest.mark.parametrize("named", [True, False])
def test_a_parent_from_elsewhere_brings_its_own_conversation(traced, named):
    """A span with another conversation's span for its parent is that one's, with what starts below it."""
    turn = traced.trace(name="theirs", thread_id="theirs" if named else None)
    with turn, traced.span("parent") as parent:
        pass
    with traced.trace(name="ours", thread_id="ours"):
        for kept, base in (("with our context", get_current()), ("with an empty context", Context())):
            with traced.span(kept, context=set_span_in_context(parent, base)) as child:
                traced.tracer.start_span(f"below, {kept}", set_span_in_context(child, Context())).end()
        with traced.span("still ours"):
            pass
    theirs = ("theirs", "parent", "with our context", "below, with our context", "with an empty context")
    assert traced.threads() == {
        **dict.fromkeys((*theirs, "below, with an empty context"), "theirs" if named else None),
        **dict.fromkeys(("ours", "still ours"), "ours"),
    }


def test_inside_a_span_from_elsewhere_its_conversation_is_in_force(traced):
    """Code that runs in a span of another conversation names that one, not the one around."""
    with traced.trace(name="theirs"), traced.span("parent"):
        theirs = get_current()
    with traced.trace(name="ours", thread_id="ours"):
        with traced.span("child", context=theirs):
            token = attach(theirs)
            langwatch.set_conversation(thread_id="theirs")
            seen = langwatch.get_conversation().thread_id
            detach(token)
        seen_after = langwatch.get_conversation().thread_id
    assert (seen, seen_after) == ("theirs", "ours")
    assert traced.threads() == {"theirs": "theirs", "parent": "theirs", "child": "theirs", "ours": "ours"}


@pytest.mark.parametrize("when", ["before", "meanwhile", "after"])
def test_a_captured_context_carries_its_conversation_into_a_thread(traced, when):
    """A thread that works in a captured context belongs to its conversation, whenever that was named."""
    with traced.trace(name="turn"):
        if when == "before":
            langwatch.set_conversation(thread_id="t")
        context = get_current()

        def work():
            traced.tracer.start_span("explicit", context).end()
            token = attach(context)
            with traced.span("attached"):
                if when == "meanwhile":
                    langwatch.set_conversation(thread_id="t")
            detach(token)
            with traced.span("of the thread itself"):
                pass

        in_thread(work)
        if when == "after":
            langwatch.set_conversation(thread_id="t")
    named = dict.fromkeys(("turn", "explicit", "attached"), "t")
    assert traced.threads() == {**named, "of the thread itself": None}


def test_a_context_outlives_its_conversation(traced):
    """What is started with a context that was captured in a conversation is of it when that is over, too."""
    with traced.trace(name="turn", thread_id="t", user_id="u"):
        context = get_current()
    in_thread(lambda: traced.tracer.start_span("explicit", context).end())
    found = traced.spans()
    assert (found["explicit"]["session.id"], found["explicit"]["user.id"]) == ("t", "u")


@pytest.mark.parametrize("ends", ["before the name", "after the name"])
def test_a_span_may_end_in_another_thread(traced, ends):
    """A span is named whichever thread ends it, and the thread that ended it has no part in that."""
    with traced.trace(name="turn"):
        span = traced.tracer.start_span("moved")
        if ends == "before the name":
            in_thread(span.end)
        langwatch.set_conversation(thread_id="t")
        if ends == "after the name":
            with traced.trace(name="other", thread_id="other"):
                in_thread(span.end)
    found = traced.threads()
    assert (found["turn"], found["moved"]) == ("t", "t")


def test_a_parent_in_an_empty_context_is_enough(traced):
    """Instrumentations that lose our context key but keep the parent make spans of its conversation."""
    with traced.span("root"):
        langwatch.set_conversation(thread_id="outer")
        with traced.trace(name="inner", thread_id="inner"), traced.span("parent") as parent:
            context = set_span_in_context(parent, Context())
            with traced.span("child", context=context):
                pass
        traced.tracer.start_span("after the parent ended", context).end()
    inner = ("inner", "parent", "child", "after the parent ended")
    assert traced.threads() == {"root": "outer", **dict.fromkeys(inner, "inner")}


class Starters:
    """Threads that start spans in one context, as fast as they can, and leave them open."""

    def __init__(self, tracer, context):
        self._tracer = tracer
        self._context = context
        self._over = threading.Event()
        self.spans = []
        self.threads = [threading.Thread(target=self._run) for _ in range(3)]

    def _run(self):
        while not self._over.is_set() and len(self.spans) < 3_000:
            self.spans.append(self._tracer.start_span("span", self._context))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, count):
        """Return when so many spans have been started."""
        while len(self.spans) < count and any(thread.is_alive() for thread in self.threads):
            time.sleep(0)


@pytest.fixture
def restless():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Interrupting(SpanProcessor):
    """Has a thread do `work` when a span's attributes are chosen and not yet set."""

    def __init__(self, work):
        self._work = work

    def on_start(self, span, parent_context=None):
        if span.name != "interrupted":
            return
        set_attributes = span.set_attributes

        def work_then_set(attributes):
            del span.set_attributes
            in_thread(self._work)
            set_attributes(attributes)

        span.set_attributes = work_then_set


def test_a_name_that_comes_while_a_span_is_stamped_stands(said):
    """The later labels stay on a span whose start was interrupted by them, before it had the earlier ones."""
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(Interrupting(lambda: turn.update(labels=["later"])))
    provider.add_span_processor(langwatch.ConversationSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("root"):
        turn = langwatch.get_current_trace()
        turn.update(thread_id="t", user_id="u", labels=["earlier"])
        tracer.start_span("interrupted").end()
    provider.shutdown()
    found = {span.name: span.attributes["langwatch.labels"] for span in exporter.get_finished_spans()}
    assert found == {"interrupted": ("later",), "root": ("later",)}


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("where", ["here", "above"])
def test_a_name_misses_no_span_that_starts_meanwhile(traced_without_backfill, where):
    """Every open span of a scope has the ids when three threads start spans while it is being named."""
    traced = traced_without_backfill
    missed, started = [], 0
    for number in range(30):
        with traced.span("root"):
            above = langwatch.get_current_trace()
            with langwatch.conversation():
                turn = langwatch.get_current_trace() if where == "here" else above
                with Starters(traced.tracer, get_current()) as starters:
                    starters.wait_for(number)
                    turn.update(thread_id=f"t{number}", user_id="u")
                    starters.wait_for(2 * number + 20)
                    turn.update(customer_id="c")
                    starters.wait_for(3 * number + 40)
        ids = {"session.id": f"t{number}", "user.id": "u", "langwatch.customer.id": "c"}
        missed += [dict(span.attributes) for span in starters.spans if dict(span.attributes) != ids]
        started += len(starters.spans)
        for span in starters.spans:
            span.end()
    assert missed == []
    assert started > 30 * 40
