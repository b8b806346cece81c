"""The provider that setup() makes: it makes way for one that is set globally before its first span."""

import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

import langwatch_otel as langwatch
from _recorder import make_provider
from corpus.record.receiver import Sink
from langwatch_otel import ConversationSpanProcessor, LangWatchInstrumentor
from langwatch_otel.backfill import processors_of
from langwatch_otel.last_resort import is_exported

MADE_WAY = "setup(): the tracer provider that was set after it makes the spans, with its sampler and resource"
KEEPS = "setup(): a tracer provider that somebody else made keeps its own resource attributes"


@pytest.fixture(scope="module")
def sink():
    """A receiver for all: to end one takes half a second."""
    with Sink() as sink:
        yield sink


@pytest.fixture
def receiver(monkeypatch, said, sink):
    """A receiver, in a process where nobody has set a provider and nothing is on."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    sink.received.spans.clear()
    yield sink
    LangWatchInstrumentor().uninstrument()
    trace.get_tracer_provider().shutdown()


def setup(**given):
    """Set up as an application does, without instrumentors; return the provider."""
    return langwatch.setup(instrumentors=[], **given)


class Endless(InMemorySpanExporter):
    """An exporter that says it wraps itself, as some stand-ins answer to any name."""

    @property
    def wrapped(self):
        return self


def test_an_exporter_whose_wrapped_never_ends_is_one_all_the_same(receiver):
    """Setting up with a provider that has one comes to an end, and adds no exporter of ours."""
    provider, exporter = TracerProvider(shutdown_on_exit=False), Endless()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    assert is_exported(provider)
    trace.set_tracer_provider(provider)
    setup()
    work(provider.get_tracer("application"))
    assert (len(exporter.get_finished_spans()), receiver.received.spans) == (3, [])


def work(*tracers):
    """Start a span by each, one that is current too, and one of ours, in a conversation."""
    with langwatch.conversation(thread_id="t"), langwatch.trace(name="ours"):
        for number, tracer in enumerate(tracers):
            tracer.start_span(f"span {number}").end()
            with tracer.start_as_current_span(f"current {number}"):
                pass


def seen(spans):
    """{(name, thread): how often}."""
    told = [span if isinstance(span, dict) else {"name": span.name, "attributes": span.attributes} for span in spans]
    return Counter((span["name"], span["attributes"].get("session.id")) for span in told)


def expected(count):
    return Counter({("ours", "t"): 1} | {(f"{kind} {n}", "t"): 1 for kind in ("span", "current") for n in range(count)})


def test_set_up_by_several_threads_at_once_there_is_one_provider(receiver):
    """Whoever is first makes the provider, and all get that one."""
    begin = threading.Barrier(8)

    def made():
        begin.wait()
        return setup()

    with ThreadPoolExecutor(8) as pool:
        found = {future.result() for future in [pool.submit(made) for _ in range(8)]}
    assert found == {trace.get_tracer_provider()}


@pytest.mark.parametrize("named", [True, False])
def test_a_provider_that_is_set_before_the_first_span_makes_the_spans(receiver, said, named):
    """What is set after setup() is in use, exports all, with ids, and setup()'s own exporter sends each span once."""
    before_all = trace.get_tracer("application")
    where = {"endpoint_url": receiver.url, "api_key": "k"} if named else {"service_name": "shop"}
    own = setup(**where)
    before, theirs = trace.get_tracer("application"), make_provider()
    trace.set_tracer_provider(theirs)
    after = trace.get_tracer("application")
    assert trace.get_tracer_provider() is theirs
    assert setup(**where) is theirs
    work(before_all, before, own.get_tracer("application"), after)
    assert own.force_flush()
    assert seen(theirs.exporter.get_finished_spans()) == expected(4)
    # Theirs exports: with nobody named to send to as well, ours does not.
    assert seen(receiver.received.spans) == (expected(4) if named else {})
    assert (own.resource, said()) == (theirs.resource, [MADE_WAY] if named else [MADE_WAY, KEEPS])


def test_what_was_added_goes_along(receiver):
    """Processors added to setup()'s provider, before or after, see the spans of the one that is set later."""
    early, late = InMemorySpanExporter(), InMemorySpanExporter()
    own, theirs = setup(), make_provider()
    own.add_span_processor(SimpleSpanProcessor(early))
    trace.set_tracer_provider(theirs)
    own.add_span_processor(SimpleSpanProcessor(late))
    work()
    own.shutdown()
    work()
    assert [seen(each.get_finished_spans()) for each in (early, late, theirs.exporter)] == [expected(0)] * 3


@pytest.mark.parametrize("way", ["makes way", "stays"])
def test_a_tracer_that_somebody_wrapped_keeps_their_wrapper(receiver, way):
    """Where the tracer's method was replaced meanwhile theirs stays on top, and starts each span once."""
    own, tracer, theirs, called = setup(), trace.get_tracer("application"), make_provider(), []
    ours = tracer.start_span

    def wrapper(name, *args, **kwargs):
        called.append(name)
        return ours(name, *args, **kwargs)

    tracer.start_span = wrapper
    if way == "makes way":
        trace.set_tracer_provider(theirs)
    work(tracer)
    own.force_flush()
    spans = theirs.exporter.get_finished_spans() if way == "makes way" else receiver.received.spans
    assert (seen(spans), called, tracer.start_span) == (expected(1), ["span 0", "current 0"], wrapper)


def test_setups_exporter_is_the_last_resort(receiver):
    """Where nobody was named to send to, setup()'s exporter serves until the provider set later has one."""
    setup()
    theirs = make_provider()
    theirs._active_span_processor._span_processors = ()
    trace.set_tracer_provider(theirs)
    work()
    theirs.force_flush()
    theirs.add_span_processor(SimpleSpanProcessor(theirs.exporter))
    work()
    theirs.force_flush()
    assert [seen(each) for each in (receiver.received.spans, theirs.exporter.get_finished_spans())] == [expected(0)] * 2


def test_exporters_of_a_processor_of_several_count(receiver):
    """A provider that exports by processors inside of another has no need of setup()'s exporter."""
    theirs, several, memory = TracerProvider(shutdown_on_exit=False), SynchronousMultiSpanProcessor(), make_provider()
    several.add_span_processor(SimpleSpanProcessor(memory.exporter))
    theirs.add_span_processor(several)
    trace.set_tracer_provider(theirs)
    assert setup() is theirs
    work()
    theirs.force_flush()
    assert (seen(receiver.received.spans), seen(memory.exporter.get_finished_spans())) == ({}, expected(0))


class Enriching(SpanProcessor):
    """Puts an attribute on each span."""

    def on_start(self, span, parent_context=None):
        span.set_attribute("tenant", "a")


@pytest.mark.parametrize("when", ["before", "later"])
def test_a_processor_that_hears_of_no_end_exports_nothing(receiver, said, when):
    """Spans of a provider whose processor adds attributes alone go out by setup()'s exporter, whichever is first."""
    theirs = TracerProvider(shutdown_on_exit=False)
    theirs.add_span_processor(Enriching())
    steps = [setup, lambda: trace.set_tracer_provider(theirs)]
    for step in steps if when == "later" else reversed(steps):
        step()
    work()
    theirs.force_flush()
    assert trace.get_tracer_provider() is theirs
    assert seen(receiver.received.spans) == expected(0)
    assert [line for line in said() if "backfill" in line] == []


class Hiding(trace.TracerProvider):
    """Makes spans by the SDK, and shows no processor."""

    def __init__(self):
        self._made, self.added = make_provider(), []

    def get_tracer(self, *args, **kwargs):
        return self._made.get_tracer(*args, **kwargs)

    def add_span_processor(self, processor):
        self.added.append(type(processor).__name__)
        self._made.add_span_processor(processor)

    def shutdown(self):
        self._made.shutdown()


@pytest.mark.parametrize("is_followed", [True, False])
def test_a_provider_that_hides_its_processors_gets_ours_once(receiver, is_followed):
    """Our processor moves to the provider that is set later, and no second one is added where none can be seen."""
    theirs = Hiding()
    if is_followed:
        LangWatchInstrumentor().instrument(tracer_provider=theirs)
    setup()
    trace.set_tracer_provider(theirs)
    assert theirs.added == ["ConversationSpanProcessor", "BatchSpanProcessor"]


def test_after_the_first_span_setups_provider_stays(receiver, said):
    """From the first span on OpenTelemetry's rule holds: what is set is refused. Its own spans have the ids."""
    own, tracer, theirs = setup(), trace.get_tracer("application"), make_provider()
    work(tracer)
    trace.set_tracer_provider(theirs)
    work(theirs.get_tracer("application"))
    own.force_flush()
    assert trace.get_tracer_provider() is own
    assert seen(theirs.exporter.get_finished_spans()) == expected(1) - Counter([("ours", "t")])
    assert (seen(receiver.received.spans), said()) == (expected(1) + Counter([("ours", "t")]), [])


class Around(trace.TracerProvider):
    """A wrapper around the provider that is set."""

    def __init__(self):
        self.provider = trace.get_tracer_provider()

    def get_tracer(self, *args, **kwargs):
        return self.provider.get_tracer(*args, **kwargs)

    def add_span_processor(self, processor):
        self.provider.add_span_processor(processor)


class Bare(trace.NoOpTracerProvider):
    """Takes no processors."""


class Failing(trace.TracerProvider):
    """Takes no processor that is added."""

    def get_tracer(self, *args, **kwargs):
        return trace.NoOpTracer()

    def add_span_processor(self, processor):
        raise RuntimeError


@pytest.mark.parametrize("kind", [Around, Bare, Failing])
def test_who_cannot_take_its_place_is_refused(receiver, kind):
    """A wrapper around setup()'s provider, or one that takes no processors, does not take its place."""
    own, early = setup(), trace.get_tracer("early")
    trace.set_tracer_provider(kind())
    work(early, trace.get_tracer("application"))
    own.force_flush()
    assert trace.get_tracer_provider() is own
    assert seen(receiver.received.spans) == expected(2)


def test_off_nothing_makes_way(receiver):
    """After uninstrument() setup()'s provider is the SDK's and no more, and no span of the one set later has ids."""
    own, tracer, theirs = setup(), trace.get_tracer("application"), make_provider()
    LangWatchInstrumentor().uninstrument()
    assert "start_span" not in vars(tracer)
    trace.set_tracer_provider(theirs)
    setup()
    trace.set_tracer_provider(theirs)
    assert trace.get_tracer_provider() is own


def test_off_after_it_made_way(receiver):
    """uninstrument() takes the ids off what the provider set later makes; its spans go where they went."""
    setup()
    theirs = make_provider()
    trace.set_tracer_provider(theirs)
    LangWatchInstrumentor().uninstrument()
    work(trace.get_tracer("application"))
    spans = seen(theirs.exporter.get_finished_spans())
    assert spans == Counter({("ours", None): 1, ("span 0", None): 1, ("current 0", None): 1})


@pytest.mark.parametrize("how", ["by hand", "instrument()"])
def test_a_provider_with_our_processor_gets_no_second(receiver, how):
    """Where the provider that is set later has our processor, setup()'s stays behind, and each span has its ids."""
    theirs = make_provider()
    if how == "by hand":
        theirs.add_span_processor(ConversationSpanProcessor())
    else:
        LangWatchInstrumentor().instrument(tracer_provider=theirs)
    setup()
    trace.set_tracer_provider(theirs)
    work(trace.get_tracer("application"))
    ours = [each for each in processors_of(theirs) if isinstance(each, ConversationSpanProcessor)]
    assert (len(ours), seen(theirs.exporter.get_finished_spans())) == (1, expected(1))


def test_after_its_shutdown_it_makes_way_no_more(receiver):
    """What is set after setup()'s provider was shut down is refused, as by any provider: its exporter is closed."""
    own, theirs = setup(), make_provider()
    own.shutdown()
    trace.set_tracer_provider(theirs)
    assert trace.get_tracer_provider() is own


def test_a_tracer_that_is_asked_for_again_keeps_their_wrapper(receiver):
    """Somebody's wrapper around a tracer's method stays where it is asked for again, and may be the same tracer."""
    own, tracer = setup(), trace.get_tracer("application")
    wrapper = tracer.start_span = lambda *args, **kwargs: None
    own.get_tracer("application")
    assert tracer.start_span is wrapper


LEAVES = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
import langwatch_otel as langwatch
langwatch.setup(instrumentors=[], endpoint_url={url!r}, api_key="k")
trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
with langwatch.trace(name="ours"), langwatch.conversation(thread_id="t"):
    pass
"""


def test_what_is_queued_goes_out_where_their_provider_does_not_end_with_the_process(sink):
    """setup()'s exporter sends what it holds as the process ends, whoever makes the spans."""
    sink.received.spans.clear()
    subprocess.run([sys.executable, "-c", LEAVES.format(url=sink.url)], check=True)
    assert seen(sink.received.spans) == expected(0)
