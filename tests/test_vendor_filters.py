"""Vendors' own "AI spans only" filters, as released: what we write must not make them take an application's spans."""

import importlib

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import langwatch_otel as langwatch
from _cases import KINDS, WHOLE, spans_of_each_kind
from _recorder import recording
from langwatch_otel import conventions

pytestmark = pytest.mark.matrix

CHOICES = [None, "all", *(name for name in conventions.NAMES if conventions.load(name).writes)]


def braintrust(recorder):
    """A predicate for spans that went through Braintrust's own processor."""
    otel = importlib.import_module("braintrust.otel")
    let_through = InMemorySpanExporter()
    recorder.provider.add_span_processor(otel.AISpanProcessor(SimpleSpanProcessor(let_through)))
    return lambda span: span.context.span_id in {each.context.span_id for each in let_through.get_finished_spans()}


def langfuse(recorder):
    return importlib.import_module("langfuse.span_filter").is_default_export_span


def posthog(recorder):
    return importlib.import_module("posthog.ai.otel.spans").is_ai_span


FILTERS = {"braintrust": braintrust, "langfuse": langfuse, "posthog": posthog}


@pytest.fixture(params=FILTERS)
def vendor_filter(request):
    """What makes a vendor's filter for a recorder; not run where the vendor's package is not installed."""
    pytest.importorskip(request.param, reason=f"not run: {request.param} is not installed; nox -s conventions has it")
    return FILTERS[request.param]


def taken(vendor_filter, **settings):
    """The kinds of spans of a named conversation that the filter takes."""
    with recording(settings=settings) as recorder:
        takes = vendor_filter(recorder)
        spans = spans_of_each_kind(recorder, langwatch, **WHOLE)
        return {kind for kind in KINDS if takes(spans[kind])}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_filter_takes_no_span_of_the_application(vendor_filter, choice):
    """Whatever conventions are chosen, a filter leaves an application's and a server's spans out."""
    assert taken(vendor_filter, conventions=choice) & {"plain", "server"} == set()


@pytest.mark.parametrize("choice", [None, "all"])
def test_a_filter_takes_the_spans_that_are_of_a_conversation(vendor_filter, choice):
    """GenAI spans and those of our decorators pass, by default and with everything on."""
    assert taken(vendor_filter, conventions=choice) == {"genai", "turn"}


def test_a_filter_is_tripped_where_the_user_asks_for_it(vendor_filter):
    """`conversation_id_on="all"` makes every span pass: the filters work, and it is the default that spares them."""
    assert taken(vendor_filter, conversation_id_on="all") == set(KINDS)
