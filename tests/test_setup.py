"""setup(): where spans go and with which exporter, in processes of their own."""

import json
import subprocess
import sys

import pytest

from _endpoint import endpoint
from _servers import clean_environment
from langwatch_otel.workbench.receiver import Receiver

LANGWATCH_PATH, OTLP_PATH = "/api/otel/v1/traces", "/v1/traces"


PROGRAM = """
import logging, sys
logging.basicConfig(format="%(message)s")
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
import langwatch_otel as langwatch
{setup}
with langwatch.trace(name="turn", thread_id="t"):
    pass
trace.get_tracer_provider().force_flush()
{after}
"""


def run(setup, after="", **environment):
    program = PROGRAM.format(setup=setup, after=after)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=clean_environment(PYTHONPATH="src", **environment),
        capture_output=True,
        text=True,
        timeout=60,
    )


KINDS = "print([type(p._batch_processor._exporter._exporter.wrapped.wrapped).__module__" + (
    " for p in trace.get_tracer_provider()._active_span_processor._span_processors[1:]])"
)
SETUP = "langwatch.setup(instrumentors=[])"

# setup, environment ("A" and "B" are endpoints), what A hears, what B hears.
DESTINATIONS = {
    "endpoint and key": (
        "langwatch.setup(endpoint_url='A', api_key='k', instrumentors=[])",
        {},
        [(LANGWATCH_PATH, "Bearer k")],
        [],
    ),
    "the whole address": (
        f"langwatch.setup(endpoint_url='A{LANGWATCH_PATH}/', api_key='k', instrumentors=[])",
        {},
        [(LANGWATCH_PATH, "Bearer k")],
        [],
    ),
    "key alone": (
        "langwatch.setup(api_key='k', instrumentors=[])",
        {"LANGWATCH_ENDPOINT": "A"},
        [(LANGWATCH_PATH, "Bearer k")],
        [],
    ),
    "an argument wins": (
        "langwatch.setup(endpoint_url='A', api_key='k', instrumentors=[])",
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "B", "LANGWATCH_API_KEY": "other"},
        [(LANGWATCH_PATH, "Bearer k")],
        [],
    ),
    "otlp": (SETUP, {"OTEL_EXPORTER_OTLP_ENDPOINT": "B"}, [], [(OTLP_PATH, None)]),
    "otlp for traces": (
        SETUP,
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "B/x", "OTEL_EXPORTER_OTLP_ENDPOINT": "A"},
        [],
        [("/x", None)],
    ),
    "otlp before langwatch": (
        SETUP,
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "B", "LANGWATCH_API_KEY": "k", "LANGWATCH_ENDPOINT": "A"},
        [],
        [(OTLP_PATH, None)],
    ),
    "langwatch by environment": (
        SETUP,
        {"LANGWATCH_API_KEY": "k", "LANGWATCH_ENDPOINT": "A"},
        [(LANGWATCH_PATH, "Bearer k")],
        [],
    ),
    "none": (SETUP, {"OTEL_EXPORTER_OTLP_ENDPOINT": "B", "OTEL_TRACES_EXPORTER": "none"}, [], []),
    "disabled": (SETUP, {"OTEL_EXPORTER_OTLP_ENDPOINT": "B", "OTEL_SDK_DISABLED": "true"}, [], []),
    "unsampled": (SETUP, {"OTEL_EXPORTER_OTLP_ENDPOINT": "B", "OTEL_TRACES_SAMPLER": "always_off"}, [], []),
    "headers": (
        "langwatch.setup(headers={'Authorization': 'mine'}, instrumentors=[])",
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "B", "LANGWATCH_API_KEY": "k"},
        [],
        [(OTLP_PATH, "mine")],
    ),
    "twice": (f"{SETUP}; {SETUP}", {"OTEL_EXPORTER_OTLP_ENDPOINT": "B"}, [], [(OTLP_PATH, None)]),
    "two places": (
        f"{SETUP}; langwatch.setup(endpoint_url='A', api_key='k', instrumentors=[])",
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "B"},
        [(LANGWATCH_PATH, "Bearer k")],
        [(OTLP_PATH, None)],
    ),
}


@pytest.mark.parametrize("case", DESTINATIONS)
def test_where_spans_go(case):
    """Spans go once to where setup() was told, and the key goes to LangWatch's endpoint alone."""
    setup, environment, a, b = DESTINATIONS[case]
    with endpoint() as first, endpoint() as second:

        def filled(text):
            text = text.replace("endpoint_url='A", f"endpoint_url='{first.url}")
            return first.url if text == "A" else second.url + text[1:] if text in ("B", "B/x") else text

        ran = run(filled(setup), **{name: filled(value) for name, value in environment.items()})
        assert (ran.returncode, ran.stderr) == (0, "")
        expected = [[(path, key, ["turn"]) for path, key in each] for each in (a, b)]
        assert [first.requests, second.requests] == expected


def test_the_receiver_understands_it():
    """What setup() sends arrives at the workbench's receiver with its ids and the resource given."""
    with Receiver() as receiver:
        setup = "langwatch.setup(service_name='shop', base_attributes={'team': 'a'}, instrumentors=[])"
        ran = run(setup, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)
        assert (ran.returncode, ran.stderr) == (0, "")
        (span,) = receiver.spans
    assert (span.name, span.attributes["session.id"]) == ("turn", "t")
    assert (span.resource["service.name"], span.resource["team"]) == ("shop", "a")


def test_the_console():
    """OTEL_TRACES_EXPORTER=console prints the spans, and needs nobody who listens."""
    ran = run(SETUP, OTEL_TRACES_EXPORTER="console")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["attributes"]["session.id"] == "t"


@pytest.mark.parametrize(
    ("protocol", "module"),
    [
        ("grpc", "proto.grpc"),
        ("http/protobuf", "proto.http"),
        ("", "proto.http"),
        ("http/json", "proto.http"),
    ],
)
@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_the_protocol(name, protocol, module):
    """The protocol that the environment names picks the exporter; another one than the two is logged."""
    after = KINDS + "; import os; sys.stdout.flush(); os._exit(0)"  # Nobody listens: do not wait for that.
    ran = run(f"{SETUP}; trace.get_tracer_provider().force_flush = lambda: 0", after, **{name: protocol})
    known = protocol != "http/json"
    said = "" if known else f"{name} takes grpc or http/protobuf; http/protobuf is used\n"
    assert (ran.stdout.strip(), ran.stderr) == (
        f"['opentelemetry.exporter.otlp.{module}.trace_exporter']",
        said,
    )


EXISTING = """
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
memory = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(memory))
trace.set_tracer_provider(provider)
"""
COUNT = "print(len(memory.get_finished_spans()), len(provider._active_span_processor._span_processors))"


@pytest.mark.parametrize(
    ("arguments", "heard", "count"), [("", 0, "1 2"), ("endpoint_url='A', api_key='k', ", 1, "1 3")]
)
@pytest.mark.parametrize("times", [1, 3])
def test_an_existing_provider_is_kept(arguments, heard, count, times):
    """A provider that exports is kept, and gets no second exporter unless an endpoint was named."""
    with endpoint() as first:
        call = f"assert langwatch.setup({arguments}instrumentors=[]) is provider\n".replace("'A", f"'{first.url}")
        ran = run(EXISTING + call * times, COUNT, OTEL_EXPORTER_OTLP_ENDPOINT=first.url)
        assert (ran.returncode, ran.stderr, ran.stdout.strip()) == (0, "", count)
        assert len(first.requests) == heard


@pytest.mark.parametrize("instrumentors", ["[]", "None"])
def test_an_empty_list_of_instrumentors_touches_no_library(instrumentors):
    """With instrumentors=[] no instrumentation of OpenAI's is imported or changed; by default it is."""
    program = f"""
import warnings
warnings.simplefilter("ignore")  # Of the libraries that it loads.
langwatch.setup(instrumentors={instrumentors})
import opentelemetry.instrumentation.openai.shared.chat_wrappers as wrappers
print(hasattr(wrappers.ChatStream.__anext__, "__wrapped__"))
"""
    ran = run(program, OTEL_TRACES_EXPORTER="none")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split() == [str(instrumentors == "None")]


@pytest.mark.parametrize(
    ("setup", "environment", "message"),
    [
        (
            "langwatch.setup(endpoint_url='ftp://x')",
            {},
            "setting 'endpoint_url' takes a URL that starts with",
        ),
        ("langwatch.setup(endpoint_url=5)", {}, "setting 'endpoint_url' takes a URL that starts with"),
        ("langwatch.setup(nonsense=1)", {}, "setting 'nonsense' takes no value: the settings are backfill"),
        (
            "langwatch.setup(max_id_length=5)",
            {},
            "setting 'max_id_length' takes a whole number from 16 to 1024",
        ),
        ("langwatch.setup(headers=5)", {}, "setting 'headers' takes a mapping of strings to strings, got 'int'"),
        (
            "langwatch.setup(headers={'k': 5})",
            {},
            "setting 'headers' takes a mapping of strings to strings, got 'dict'",
        ),
        ("langwatch.setup(base_attributes=5)", {}, "setting 'base_attributes' takes a mapping of resource attributes"),
        ("langwatch.setup(instrumentors=5)", {}, "setting 'instrumentors' takes a list of instrumentors"),
        ("langwatch.setup(instrumentors=['openai'])", {}, "setting 'instrumentors' takes a list of instrumentors"),
        ("langwatch.setup(api_key=5)", {}, "setting 'api_key' takes a text of one line, got 'int'"),
        ("langwatch.setup(api_key='a\\nb')", {}, "setting 'api_key' takes a text of one line, got 'str'"),
        ("langwatch.setup(service_name=5)", {}, "setting 'service_name' takes a text of one line, got 'int'"),
        ("langwatch.setup(tracer_provider=TracerProvider)", {}, "setting 'tracer_provider' takes a TracerProvider"),
        ("langwatch.setup(tracer_provider=5)", {}, "setting 'tracer_provider' takes a TracerProvider"),
        (
            SETUP,
            {"OTEL_TRACES_EXPORTER": "nonsense"},
            "setting 'OTEL_TRACES_EXPORTER' takes otlp, console, none",
        ),
        (SETUP, {"OTEL_LANGWATCH_BACKFILL": "x"}, "setting 'backfill' takes true or false"),
    ],
)
def test_setup_refuses_before_it_changes_anything(setup, environment, message):
    """A wrong argument or variable raises ConfigurationError, and nothing is on afterwards."""
    checked = (
        f"try: {setup}\nexcept langwatch.ConfigurationError as error: print(error)\n"
        "assert not langwatch.LangWatchInstrumentor().is_instrumented_by_opentelemetry\n"
        "assert not isinstance(trace.get_tracer_provider(), TracerProvider)\n"
        "trace.get_tracer_provider().force_flush = lambda: 0"
    )
    ran = run(checked, **environment)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(message)
