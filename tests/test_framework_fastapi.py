"""Request spans for the FastAPI versions that make none; the others are left alone."""

import asyncio
import gc
import weakref
from collections import Counter

import pytest
from fastapi import BackgroundTasks, FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.background import BackgroundTask

from _asgi import WHENS, application, get, python, requests_that_arrive
from _making import NATIVE, new_fastapi
from langwatch_otel.frameworks.fastapi import spans_off, spans_on, warn_of_another_provider

UNMARKED = {"_is_instrumented_by_opentelemetry": False}  # Contrib leaves this on what it has touched.
old_fastapi = pytest.mark.skipif(NATIVE, reason="not run: needs a FastAPI older than 0.142")


@pytest.fixture(autouse=True)
def _off(monkeypatch):
    # Contrib changes this class for all applications: put back what a test's own instrument_app did.
    monkeypatch.setattr(BackgroundTask, "__call__", BackgroundTask.__call__)
    yield
    spans_off()
    if hasattr(BackgroundTask, "_otel_original_call"):
        del BackgroundTask._otel_original_call


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


def servers(exporter):
    """The names of the request spans since the last look."""
    found = [span.name for span in exporter.get_finished_spans() if span.kind is SpanKind.SERVER]
    exporter.clear()
    return found


def names(exporter):
    return Counter(span.name for span in exporter.get_finished_spans())


@new_fastapi
def test_a_fastapi_with_spans_of_its_own_is_left_alone(provider):
    """There is nothing to add to FastAPI 0.142 and later."""
    before = vars(FastAPI)["__call__"]
    assert (spans_on(provider), vars(FastAPI)["__call__"]) == (False, before)


@new_fastapi
def test_a_fastapi_that_will_not_use_the_provider_is_said_once(provider, said):
    """FastAPI's own spans are the global provider's: whoever gives another one hears what to do."""
    for _ in range(2):
        warn_of_another_provider(provider)
    assert said() == [
        "this FastAPI makes its spans with the global tracer provider, which is not the one given:"
        ' FastAPI(telemetry={"tracer_provider": provider}) has it use yours'
    ]


LATE_PROVIDER = """
import asyncio
from _asgi import application, call
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

app, exporter = application(), InMemorySpanExporter()
asyncio.run(call(app, "/x"))
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
asyncio.run(call(app, "/x"))
print(*(span.name for span in exporter.get_finished_spans()), sep=", ")
"""


@new_fastapi
def test_fastapis_own_spans_need_the_provider_by_the_request_only():
    """An application that has served without a provider makes spans as soon as a global one is set."""
    made = "fastapi.dependencies, fastapi.endpoint, fastapi.serialization, GET /x"
    assert python(LATE_PROVIDER) == made


@old_fastapi
@pytest.mark.matrix
@pytest.mark.parametrize("when", WHENS)
def test_sigterm_loses_no_span_of_an_older_fastapi(tmp_path, when):
    """All of contrib's request spans arrive too, wherever in the program's life we were turned on."""
    assert requests_that_arrive(tmp_path, when=when) == 20


@old_fastapi
@pytest.mark.matrix
def test_on_off_and_on_while_an_application_serves(provider, exporter):
    """An application imported, created and called before us gets spans, loses them and gets them again."""
    app, before = application(), vars(FastAPI)["__call__"]
    get(app)
    as_it_was, background = dict(vars(app)), dict(vars(BackgroundTask))
    for _ in range(100):
        assert spans_on(provider)
        assert (get(app), get(app), servers(exporter)) == (200, 200, ["GET /x", "GET /x"])
        spans_off()
        assert (get(app), servers(exporter)) == (200, [])
    assert vars(app) == as_it_was | UNMARKED
    assert (vars(FastAPI)["__call__"], dict(vars(BackgroundTask))) == (before, background)


@old_fastapi
@pytest.mark.matrix
def test_middleware_is_made_once(provider, exporter):
    """Going on and off keeps the middleware that is there, with what it has counted."""
    made = []

    class Counting:
        def __init__(self, app):
            self.app = app
            made.append(self)

        async def __call__(self, scope, receive, send):
            await self.app(scope, receive, send)

    app = application()
    app.add_middleware(Counting)
    for _ in range(3):
        spans_on(provider)
        get(app)
        spans_off()
        get(app)
    assert (len(made), servers(exporter)) == (1, ["GET /x"] * 3)


def by_application(app, provider):
    instrumentor().instrument_app(app, tracer_provider=provider)


def by_middleware(app, provider):
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    app.add_middleware(OpenTelemetryMiddleware, tracer_provider=provider)


def instrumentor():
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    return FastAPIInstrumentor()


@old_fastapi
@pytest.mark.matrix
@pytest.mark.parametrize("instrument", [by_application, by_middleware])
def test_an_application_that_instruments_itself_wins(provider, exporter, instrument):
    """Its own request span is the only one, under us and after us."""
    spans_on(TracerProvider())
    app = application()
    instrument(app, provider)
    found = []
    for _ in range(3):
        get(app)
        found.append(len(servers(exporter)))
        spans_off()
    assert found == [1, 1, 1]


@old_fastapi
@pytest.mark.matrix
def test_contribs_instrument_wins(provider, exporter):
    """Applications made under `FastAPIInstrumentor().instrument()` keep its spans, and lose them with it."""
    import fastapi

    theirs = instrumentor()
    theirs.instrument(tracer_provider=provider, skip_dep_check=True)
    try:
        spans_on(TracerProvider())
        app = application(fastapi.FastAPI)
        get(app)
        spans_off()
        get(app)
        assert servers(exporter) == ["GET /x", "GET /x"]
    finally:
        theirs.uninstrument()
    assert (get(app), servers(exporter)) == (200, [])


@old_fastapi
@pytest.mark.matrix
def test_an_application_that_takes_contrib_off_has_the_last_word(provider, exporter):
    """What it undoes stays undone, and what it instruments then stays when we go."""
    app = application()
    spans_on(TracerProvider())
    get(app)
    instrumentor().uninstrument_app(app)
    get(app)
    assert servers(exporter) == []
    instrumentor().instrument_app(app, tracer_provider=provider)
    app.middleware_stack = app.build_middleware_stack()
    spans_off()
    get(app)
    assert servers(exporter) == ["GET /x"]


@old_fastapi
@pytest.mark.matrix
def test_background_tasks_of_other_applications_stay_followed(provider, exporter):
    """Taking our spans off leaves contrib's spans for background tasks where they were before us."""

    theirs, ours = application(), application()
    for app in (theirs, ours):

        @app.get("/background")
        async def background(tasks: BackgroundTasks):
            tasks.add_task(asyncio.sleep, 0)

    by_application(theirs, provider)
    get(theirs, "/background")
    before = names(exporter)
    spans_on(provider)
    get(ours, "/background")
    spans_off()
    exporter.clear()
    get(theirs, "/background")
    assert names(exporter) == before


@old_fastapi
@pytest.mark.matrix
def test_a_mounted_application_shares_the_request_span(provider, exporter):
    """One request is one server span, through however many applications it goes."""
    outer = FastAPI(openapi_url=None)
    outer.mount("/inner", application())
    spans_on(provider)
    assert (get(outer, "/inner/x"), get(outer, "/inner/x")) == (200, 200)
    kinds = Counter(span.kind for span in exporter.get_finished_spans())
    assert kinds == {SpanKind.SERVER: 2, SpanKind.INTERNAL: 4}  # Contrib's two "http send" each.


@old_fastapi
@pytest.mark.matrix
def test_a_mounted_application_in_a_plain_starlette_gets_its_own(provider, exporter):
    """The outermost FastAPI application of a request makes its span."""
    outer = Starlette()
    outer.mount("/inner", application())
    spans_on(provider)
    assert (get(outer, "/inner/x"), len(servers(exporter))) == (200, 1)


@old_fastapi
@pytest.mark.matrix
def test_a_provider_that_fails_stays_with_us():
    """A request is served whatever goes wrong in giving it a span."""

    class Broken(TracerProvider):
        def get_tracer(self, *args, **kwargs):
            raise RuntimeError("no tracer")

    app = application()
    get(app)
    as_it_was = dict(vars(app))
    spans_on(Broken())
    assert (get(app), get(app)) == (200, 200)
    spans_off()
    assert (get(app), vars(app)) == (200, as_it_was | UNMARKED)


@old_fastapi
@pytest.mark.matrix
def test_applications_are_not_kept_alive(provider):
    """An application that nobody holds goes, though we have instrumented it."""
    app = application()
    spans_on(provider)
    get(app)
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None


IMPORTED_LATER = """
import sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from langwatch_otel.frameworks.fastapi import spans_off, spans_on, warn_of_another_provider

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
for _ in range(100):
    spans_on(provider)
    spans_off()
spans_on(provider)
early = "fastapi" in sys.modules
{importing}
from _asgi import application, get
get(application())
print("imported early:", early, ", ".join(span.name for span in exporter.get_finished_spans()))
"""


@old_fastapi
@pytest.mark.matrix
@pytest.mark.parametrize("importing", ["import fastapi", "import opentelemetry.instrumentation.fastapi"])
def test_on_before_fastapi_is_imported(importing):
    """Spans come whoever imports FastAPI, contrib included, and we do not import it."""
    printed = "imported early: False GET /x http send, GET /x http send, GET /x"
    assert python(IMPORTED_LATER.format(importing=importing)) == printed
