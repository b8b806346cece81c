"""What other vendors' SDKs do to providers, processors and spans; `nox -s neighbours` has the SDKs themselves."""

import dataclasses
import gc
import json
import subprocess
import sys

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import Span, TracerProvider, set_span_in_context, use_span

import langwatch_otel as langwatch
from _making import NATIVE
from _recorder import NAMED, UNNAMED, make_provider, named, processors, recording
from _servers import clean_environment, post, uvicorn_process
from langwatch_otel import LangWatchInstrumentor, metrics
from langwatch_otel._weak import ByObject
from langwatch_otel.doctor.on_path.langwatch_otel_probe import tracing
from langwatch_otel.workbench.receiver import Receiver


@dataclasses.dataclass
class Proxy(TracerProvider):
    """Passes all on to another, which may change; equal to another with the same one, and so without a hash."""

    provider: object

    def get_tracer(self, *args, **kwargs):
        return self.provider.get_tracer(*args, **kwargs)

    def add_span_processor(self, processor):
        self.provider.add_span_processor(processor)

    def force_flush(self, timeout_millis=30_000):
        return self.provider.force_flush(timeout_millis)

    @property
    def exporter(self):
        return self.provider.exporter


@pytest.mark.parametrize("backfill", [False, True])
def test_a_provider_without_a_hash(backfill):
    """A provider that wraps the SDK's, and that has no hash, is named like any other, once, and off again."""
    provider = Proxy(make_provider(batch=True))
    seen = []
    for _ in range(2):
        for _ in range(2):
            LangWatchInstrumentor().instrument(tracer_provider=provider, backfill=backfill)
        with provider.get_tracer("application").start_as_current_span("request"):
            provider.get_tracer("application").start_span("early").end()
            langwatch.set_conversation("t")
        provider.force_flush()
        seen.append({span.name: dict(span.attributes) for span in provider.exporter.get_finished_spans()})
        provider.exporter.clear()
        LangWatchInstrumentor().uninstrument()
        assert named(provider) == UNNAMED
    assert seen == [{"request": NAMED, "early": NAMED if backfill else UNNAMED}] * 2
    assert len(processors(provider.provider)) == 2
    provider.provider.shutdown()


def test_what_is_known_of_an_object_goes_with_it():
    """An object that is gone is known no more, and nothing is known of another in its place."""
    known, provider = ByObject(), Proxy(None)
    known[provider] = 1
    assert (known.get(provider), known.keys(), known.get(Proxy(None))) == (1, [provider], None)
    del provider
    gc.collect()
    assert (known.keys(), known.values(), known._found) == ([], [], {})


def test_a_meter_provider_without_a_hash(said):
    """The counters go to a meter provider that has no hash, once."""

    @dataclasses.dataclass
    class Meters:
        made: list

        def get_meter(self, *_):
            return self

        def create_observable_counter(self, name, *_):
            self.made.append(name)

    meters = Meters([])
    for _ in range(2):
        metrics.on(meters)
    metrics.off()
    assert meters.made == [each.name for each in metrics.INSTRUMENTS]
    assert said() == []


class Wrapper(Span):
    """A vendor's own span, around the SDK's."""

    def __init__(self, span):
        self.span = span


for _name in Span.__abstractmethods__:
    setattr(Wrapper, _name, lambda self, *args, _name=_name, **kwargs: getattr(self.span, _name)(*args, **kwargs))
Wrapper.__abstractmethods__ = frozenset()


def test_a_span_in_a_wrapper_is_the_span():
    """What starts below a vendor's wrapper of a span belongs to its conversation, and names it."""
    with recording() as recorder:
        wrapper = Wrapper(recorder.tracer.start_span("request"))
        recorder.tracer.start_span("explicit", set_span_in_context(wrapper, Context())).end()
        with use_span(wrapper, end_on_exit=True):
            langwatch.set_conversation("t")
            recorder.tracer.start_span("below").end()
            assert langwatch.get_conversation().thread_id == "t"
        recorder.tracer.start_span("after", set_span_in_context(wrapper, Context())).end()
        assert recorder.by_name == {"explicit": UNNAMED, "request": NAMED, "below": NAMED, "after": NAMED}


@pytest.mark.parametrize("more", [{}, {"of the vendor": 1}])
@pytest.mark.parametrize(("tracer", "attributes"), [("lmnr.tracer", NAMED), ("application", UNNAMED)])
def test_a_vendors_context_of_its_own(tracer, attributes, more):
    """Laminar starts spans in a context of its own: they belong to what runs; others' roots on purpose do not."""
    with recording() as recorder:
        made_by = recorder.provider.get_tracer(tracer)
        with recorder.tracer.start_as_current_span("request"):
            early = made_by.start_span("early", Context(more))
            langwatch.set_conversation("t")
            made_by.start_span("later", Context(more)).end()
            early.end()
        made_by.start_span("outside", Context(more)).end()
        found = {name: {key: each.get(key) for key in NAMED if key in each} for name, each in recorder.by_name.items()}
    assert found == {"request": NAMED, "early": attributes, "later": attributes, "outside": UNNAMED}


SCOPES = {
    "langfuse-sdk": True,
    "lmnr.tracer": True,
    "logfire.openai": True,
    "openlit.instrumentation.openai": True,
    "openlit.instrumentation.httpx": False,
    "logfire": False,
}


@pytest.mark.parametrize("scope", SCOPES)
def test_whose_spans_are_of_models(scope):
    """What vendors' instrumentations of models make has `gen_ai.conversation.id`, and nothing else of theirs."""
    with recording() as recorder, langwatch.conversation(thread_id="t"):
        recorder.provider.get_tracer(scope).start_span("span").end()
        assert ("gen_ai.conversation.id" in recorder.by_name["span"]) is SCOPES[scope]


def test_the_doctor_sees_into_a_wrapper_of_a_provider(monkeypatch):
    """Where the provider is a wrapper of the SDK's, the doctor finds its processors, and ours among them."""
    provider = Proxy(make_provider(batch=True))
    LangWatchInstrumentor().instrument(tracer_provider=provider)
    monkeypatch.setattr(tracing.requests, "provider", lambda: provider)
    found = tracing.provider()
    LangWatchInstrumentor().uninstrument()
    provider.provider.shutdown()
    assert [
        (each["type"].rpartition(".")[2], (each["exporter"] or "").rpartition(".")[2]) for each in found["processors"]
    ] == [
        ("BatchSpanProcessor", "InMemorySpanExporter"),
        ("ConversationSpanProcessor", ""),
    ]


class Hiding(SpanProcessor):
    """A vendor's processor, that sends by means of its own."""

    def on_end(self, span):
        """Send it."""


def test_a_processor_that_hides_its_exporter_is_named(said):
    """With `backfill` the log names a processor that cannot be wrapped, once; without it nothing is said."""
    for backfill in (False, True, True):
        provider = make_provider(batch=True)
        provider.add_span_processor(Hiding())
        LangWatchInstrumentor().instrument(tracer_provider=provider, backfill=backfill)
        provider.add_span_processor(Hiding())
        LangWatchInstrumentor().uninstrument()
        provider.shutdown()
    assert said() == ["backfill: Hiding hides its exporter: what ended before its name goes out there without it"]


FOREIGN = """
import json, logging, sys
from opentelemetry import trace
import langwatch_otel as langwatch

class Heard(logging.Handler):
    said = []
    def emit(self, record):
        self.said.append(record.getMessage())

logging.getLogger().addHandler(Heard())

class Foreign(trace.TracerProvider):
    def get_tracer(self, *args, **kwargs):
        return trace.NoOpTracer()

foreign = trace.NoOpTracerProvider() if sys.argv[2] == "nothing" else Foreign()
trace.set_tracer_provider(foreign)
if sys.argv[1] == "setup":
    langwatch.setup(instrumentors=[])
else:
    langwatch.LangWatchInstrumentor().instrument()
with langwatch.trace(thread_id="t"):
    thread = langwatch.get_conversation().thread_id
print(json.dumps([thread, trace.get_tracer_provider() is foreign, Heard.said]))
"""


@pytest.mark.parametrize(("call", "kind"), [("setup", "foreign"), ("instrument", "foreign"), ("instrument", "nothing")])
def test_a_provider_that_is_not_the_sdks(call, kind):
    """Where a provider takes no processors it stays, conversations hold in the context, and the log says so once."""
    run = [sys.executable, "-c", FOREIGN, call, kind]
    ran = subprocess.run(run, env=clean_environment(PYTHONPATH="src"), capture_output=True, text=True)
    line = "the tracer provider that is set takes no span processor: ids go on spans of tracers made from now on"
    thread, stays, said = json.loads(ran.stdout)
    of_provider = [each for each in said if not each.startswith("this FastAPI")]
    assert (thread, stays, of_provider) == ("t", True, [line] if kind == "foreign" else [])


@pytest.mark.skipif(not NATIVE, reason="not run: this FastAPI makes no spans of its own")
def test_a_provider_that_fastapi_makes():
    """Where FastAPI makes the provider itself, in its lifespan, what was turned on before names its spans."""
    with Receiver() as receiver:
        environment = {
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "PYTHONPATH": "src",
        }
        with uvicorn_process("tests.auto_configured_app:app", **environment) as port:
            assert post(port, "/ask", {"thread_id": "t"})[0] == 200
        found = {span.name: span.attributes.get("session.id") for span in receiver.spans}
    assert found.pop("fastapi.dependencies") is None  # It had ended.
    assert set(found.values()) == {"t"}
    assert found.keys() >= {"POST /ask", "fastapi.endpoint", "after"}
