"""On and off, twice, for any provider, early or late; and what is refused."""

import functools
import gc
import itertools
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import ProxyTracerProvider

import langwatch_otel as langwatch
from _recorder import NAMED, UNNAMED, make_provider, named, processors
from _servers import clean_environment
from langwatch_otel import ConfigurationError, LangWatchInstrumentor, _guard


@pytest.fixture(autouse=True)
def off_again(monkeypatch):
    """Whatever a test turns on is off again, in an empty context."""
    monkeypatch.setattr(_guard, "_said", set())
    token = attach(Context())
    yield
    LangWatchInstrumentor().uninstrument()
    detach(token)


@pytest.fixture
def provider():
    """A provider of one's own; what it exported is `provider.exporter`."""
    return make_provider()


def test_on_and_off(provider):
    """Turned on a provider's spans are named, turned off no more, as often as one likes; twice is once."""
    ours = LangWatchInstrumentor()
    seen = [named(provider), ours.is_instrumented_by_opentelemetry]
    for _ in range(2):
        ours.instrument(tracer_provider=provider)
        LangWatchInstrumentor().instrument(tracer_provider=provider)
        seen += [named(provider), ours.is_instrumented_by_opentelemetry, len(processors(provider))]
        LangWatchInstrumentor().uninstrument()
        ours.uninstrument()
        seen += [named(provider), ours.is_instrumented_by_opentelemetry]
    assert seen == [UNNAMED, False, *2 * [NAMED, True, 2, UNNAMED, False]]


def test_two_providers_at_once():
    """Turned on for two providers both are named, and one uninstrument() turns off both."""
    providers = [make_provider(), make_provider()]
    for each in providers:
        LangWatchInstrumentor().instrument(tracer_provider=each)
    assert [named(each) for each in providers] == [NAMED, NAMED]
    LangWatchInstrumentor().uninstrument()
    assert [named(each) for each in providers] == [UNNAMED, UNNAMED]


class Late(TracerProvider):
    """Takes its time to add a processor."""

    def add_span_processor(self, span_processor):
        time.sleep(0.02)
        super().add_span_processor(span_processor)


def test_two_threads_at_once_are_one():
    """Turned on by two threads at once a provider gets one processor: a second would name spans for ever."""
    provider = Late(shutdown_on_exit=False)
    threads = [
        threading.Thread(target=LangWatchInstrumentor().instrument, kwargs={"tracer_provider": provider})
        for _ in range(2)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [type(each).__name__ for each in processors(provider)] == ["ConversationSpanProcessor"]


def test_decorators_use_the_provider_given(provider):
    """The spans of our decorators are made by the provider that was given, not by the global one."""
    LangWatchInstrumentor().instrument(tracer_provider=provider)
    with langwatch.trace(name="turn", thread_id="t"):
        pass
    assert [span.name for span in provider.exporter.get_finished_spans()] == ["turn"]


@pytest.mark.parametrize("wrong", [object(), "x", 5, ProxyTracerProvider(), trace.NoOpTracerProvider(), LoggerProvider])
@pytest.mark.parametrize("setting", ["tracer_provider", "logger_provider"])
def test_a_wrong_provider_is_refused(setting, wrong):
    """What is no provider of the SDK raises ConfigurationError that says what it takes; all stays off."""
    if setting == "logger_provider" and wrong is LoggerProvider:
        pytest.skip("the class has the method")
    takes = {"tracer_provider": "a TracerProvider", "logger_provider": "a LoggerProvider"}[setting]
    with pytest.raises(ConfigurationError, match=f"^setting '{setting}' takes {takes} of opentelemetry-sdk, got"):
        LangWatchInstrumentor().instrument(**{setting: wrong})
    assert not LangWatchInstrumentor().is_instrumented_by_opentelemetry


def test_backfill_wraps_and_unwraps(monkeypatch):
    """backfill=True wraps a provider's exporters, in place and once; uninstrument() puts them back."""
    providers = [make_provider(), make_provider(batch=True)]
    before = [exporters(each) for each in providers]
    for each in providers * 2:
        LangWatchInstrumentor().instrument(tracer_provider=each, backfill=True)
    wrapped = [exporters(each) for each in providers]
    assert [[type(one).__name__ for one in each] for each in wrapped] == [["ConversationSpanExporter"]] * 2
    assert [[one._exporter for one in each] for each in wrapped] == before

    tracer = providers[1].get_tracer("application")
    with tracer.start_as_current_span("request"):
        tracer.start_span("early").end()
        langwatch.set_conversation(thread_id="t")
    providers[1].force_flush()
    finished = providers[1].exporter.get_finished_spans()
    assert {span.name: dict(span.attributes) for span in finished} == {"early": NAMED, "request": NAMED}

    LangWatchInstrumentor().uninstrument()
    assert [exporters(each) for each in providers] == before
    for each in providers:
        each.shutdown()


def test_backfill_reaches_an_exporter_that_is_added_later():
    """With backfill=True what the application adds to its provider afterwards is wrapped, too, and unwrapped."""
    provider, later = make_provider(), InMemorySpanExporter()
    add = TracerProvider.add_span_processor
    LangWatchInstrumentor().instrument(tracer_provider=provider, backfill=True)
    provider.add_span_processor(SimpleSpanProcessor(later))
    wrapped, kept = processors(provider)[-1].span_exporter, provider.add_span_processor
    LangWatchInstrumentor().uninstrument()
    kept(SimpleSpanProcessor(third := InMemorySpanExporter()))
    assert (type(wrapped).__name__, wrapped._exporter) == ("ConversationSpanExporter", later)
    assert [each.span_exporter for each in processors(provider) if isinstance(each, SimpleSpanProcessor)] == [
        provider.exporter,
        later,
        third,
    ]
    assert provider.add_span_processor.__func__ is add
    provider.shutdown()


def test_a_provider_with_a_method_of_its_own_keeps_it():
    """What somebody put on their provider before us is there again when we are off."""
    provider, added = make_provider(), []
    provider.add_span_processor = theirs = added.append
    LangWatchInstrumentor().instrument(tracer_provider=provider, backfill=True)
    LangWatchInstrumentor().uninstrument()
    assert provider.add_span_processor is theirs
    provider.shutdown()


def test_a_setter_that_somebody_puts_back_is_wrapped_again():
    """Where another library puts the API's setter back as it was before us, the next instrument() still hears of it."""
    before = trace._set_tracer_provider
    LangWatchInstrumentor().instrument()
    trace._set_tracer_provider = before
    LangWatchInstrumentor().instrument()
    ours = trace._set_tracer_provider
    LangWatchInstrumentor().uninstrument()
    assert (ours is before, trace._set_tracer_provider is before) == (False, True)


def exporters(provider):
    found = processors(provider)[0]
    return [found.span_exporter if isinstance(found, SimpleSpanProcessor) else found._batch_processor._exporter]


def test_an_exporter_that_raises_is_put_back(monkeypatch):
    """uninstrument() puts the exporter back even where it raises on what was kept back for it."""
    provider = make_provider(batch=True)
    LangWatchInstrumentor().instrument(tracer_provider=provider, backfill=True)
    wrapper = exporters(provider)[0]
    monkeypatch.setattr(wrapper, "let_go", lambda: 1 / 0)
    LangWatchInstrumentor().uninstrument()
    assert exporters(provider) == [provider.exporter]
    provider.shutdown()


def test_on_and_off_a_thousand_times_leaves_nothing(provider):
    """Turned on and off 1,000 times there is one processor, the API's setter, and no growth."""
    setter = trace._set_tracer_provider

    def cycle(count):
        for _ in range(count):
            LangWatchInstrumentor().instrument(tracer_provider=provider, backfill=True)
            LangWatchInstrumentor().instrument()
            LangWatchInstrumentor().uninstrument()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        sizes = [cycle(count) for count in (20, 350, 350, 350)]
    finally:
        tracemalloc.stop()
    assert len(processors(provider)) == 2
    assert trace._set_tracer_provider is setter
    assert exporters(provider) == [provider.exporter]
    # The interpreter's own tables (interned names, its cache of methods) grow in one round; a leak grows in all.
    assert min(after - before for before, after in itertools.pairwise(sizes)) < 7_000


def test_our_hook_is_inert_below_somebody_elses():
    """Another's wrapper around the API's setter stays; ours below it does nothing, and serves again."""
    setter = trace._set_tracer_provider
    LangWatchInstrumentor().instrument()
    ours = trace._set_tracer_provider
    assert ours is not setter

    @functools.wraps(ours)  # Copies what ours has: it must not be taken for ours.
    def theirs(*args, **kwargs):
        return ours(*args, **kwargs)

    trace._set_tracer_provider = theirs
    try:
        LangWatchInstrumentor().uninstrument()
        assert trace._set_tracer_provider is theirs
        LangWatchInstrumentor().instrument()
        assert trace._set_tracer_provider is theirs
    finally:
        trace._set_tracer_provider = ours
        LangWatchInstrumentor().uninstrument()
    assert trace._set_tracer_provider is setter


LATER = """
from opentelemetry import trace
from opentelemetry.trace import set_tracer_provider
import langwatch_otel as langwatch
from _recorder import make_provider, named, processors
early = trace.get_tracer("application")
{before}
provider = make_provider()
{wrapper}
set_tracer_provider(provider)
{after}
with langwatch.conversation(thread_id="t"):
    early.start_span("early").end()
print([dict(span.attributes) for span in provider.exporter.get_finished_spans()], named(provider))
"""
ON, OFF = "langwatch.LangWatchInstrumentor().instrument()", "langwatch.LangWatchInstrumentor().uninstrument()"
ON_TOP = "ours = trace._set_tracer_provider; trace._set_tracer_provider = lambda *a, **k: ours(*a, **k)"


@pytest.mark.parametrize(
    ("before", "wrapper", "after", "expected"),
    [
        (ON, "", "", NAMED),
        (ON, "", OFF, UNNAMED),
        (f"{ON}; {OFF}", "", "", UNNAMED),
        (f"{ON}; {OFF}; {ON}", "", "", NAMED),
        ("", "", ON, NAMED),
        (ON, ON_TOP, "", NAMED),
        (ON, f"{ON_TOP}; {OFF}", "", UNNAMED),
        (ON, f"{ON_TOP}; {OFF}; {ON}", "", NAMED),
    ],
)
def test_a_global_provider_set_later(before, wrapper, after, expected):
    """A global provider set after us is named too, for earlier tracers as well, unless we are off."""
    program = LATER.format(before=before, wrapper=wrapper, after=after)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=clean_environment(PYTHONPATH="tests:src"),
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr, ran.stdout.strip()) == (0, "", f"{[expected]} {expected}")
