"""Other vendors' SDKs in services of their own: the environments, a run, and what their servers received."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from _servers import ROOT, clean_environment
from corpus.record.receiver import Sink
from langwatch_otel.cli.model_server import ModelServer

HERE = Path(__file__).parent / "neighbours"
HOME = Path(os.environ.get("NEIGHBOURS_ENVIRONMENTS") or Path(tempfile.gettempdir(), "langwatch-otel-neighbours"))

BASE = ("fastapi", "uvicorn", "opentelemetry-exporter-otlp-proto-http")


class Neighbour(NamedTuple):
    """A vendor's SDK."""

    title: str
    packages: tuple[str, ...]
    """As pip takes them; the first is the one whose version is told."""
    settings: tuple[tuple[str, str], ...] = ()
    """Of the environment; {endpoint} is the address of the vendor's stand-in."""
    to_set: str = ""
    """What whoever has both has to do."""

    @property
    def release(self):
        """The first package and its version."""
        return self.packages[0].partition("[")[0].partition("=")[0] + " " + self.packages[0].partition("==")[2]


OPENAI = "openai==3.54.0"

NEIGHBOURS = {
    "logfire": Neighbour(
        "Logfire",
        ("logfire==5.2.0", OPENAI),
        (
            ("LOGFIRE_TOKEN", "pylf_v1_local_none"),
            ("LOGFIRE_BASE_URL", "{endpoint}"),
            ("LOGFIRE_SEND_TO_LOGFIRE", "true"),  # Under pytest it would not.
            ("LOGFIRE_CONSOLE", "false"),
            ("LOGFIRE_INSPECT_ARGUMENTS", "false"),
        ),
        to_set="[a callback for its scrubbing](#logfire)",
    ),
    "langfuse": Neighbour("Langfuse", ("langfuse==5.0.4", OPENAI)),
    "openinference": Neighbour(
        "OpenInference",
        ("openinference-instrumentation-openai==0.1.66", "openinference-instrumentation==0.1.72", OPENAI),
    ),
    # It imports httpx without asking for it, and a new OpenAI client brings httpx2 instead.
    "traceloop": Neighbour("Traceloop", ("traceloop-sdk==0.62.4", OPENAI, "httpx==0.28.1")),
    "openlit": Neighbour(
        "OpenLIT",
        ("openlit==1.45.0", "openai==2.54.0"),
        to_set="`openlit.init()` before `setup()`, or [an exporter](#openlit)",
    ),
    "laminar": Neighbour(
        "Laminar",
        ("lmnr==0.8.2", OPENAI),
        to_set="[`Laminar.initialize()` before `setup()`](#laminar), to send yours there",
    ),
    "sentry": Neighbour("Sentry, `SentrySpanProcessor`", ("sentry-sdk==2.75.0", OPENAI)),
    "sentry_otlp": Neighbour("Sentry, `OTLPIntegration`", ("sentry-sdk[opentelemetry-otlp]==2.75.0", OPENAI)),
    "datadog": Neighbour(
        "Datadog, its bridge",
        ("ddtrace==4.16.0", OPENAI),
        (
            ("DD_TRACE_OTEL_ENABLED", "true"),
            ("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false"),
            ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "{endpoint}/v1/traces"),
        ),
        "[the SDK's provider in the place of the bridge](#datadog)",
    ),
    "datadog_otlp": Neighbour("Datadog, OTLP to its agent", ("ddtrace==4.16.0", OPENAI)),
}


@cache
def python_of(name, neighbour=None):
    """The interpreter that has the neighbour's packages and this checkout, installed where it is not there yet."""
    packages = (neighbour or NEIGHBOURS[name]).packages
    folder = HOME / name
    python, done = folder / "bin" / "python", folder / "installed.json"
    wanted = json.dumps([*packages, *BASE, str(ROOT)])
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        # uv, where there is one, finds in seconds the versions that pip seeks for minutes.
        pip = ["uv", "pip", "install", "--python", python] if shutil.which("uv") else [python, "-m", "pip", "install"]
        subprocess.run([*pip, "--quiet", *packages, *BASE, "-e", ROOT], check=True)
        done.write_text(wanted)
    return python


class VendorServer(Sink):
    """A vendor's server, as far as its SDK asks: OTLP on any path, and Sentry's envelopes."""

    def _answer(self, request):
        path = request.path.partition("?")[0]
        if path == "/v1/info":  # Logfire asks whose token it is.
            return 200, "application/json", b'{"project_name": "none", "project_url": "http://none.test"}'
        if not path.endswith("/envelope/"):
            return super()._answer(request)
        body = request.rfile.read(int(request.headers["Content-Length"]))
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for line in body.splitlines():
            found = json.loads(line)
            if found.get("type") == "transaction" and "spans" in found:
                self.received.spans.extend(_spans_of_sentry(found))
        return 200, "application/json", b"{}"


def _spans_of_sentry(transaction):
    """The transaction and its spans, in the receiver's words."""
    root = transaction["contexts"]["otel"].get("attributes", {})
    yield {"name": transaction["transaction"], "scope": {"name": ""}, "attributes": root}
    for span in transaction["spans"]:
        yield {"name": span["op"], "scope": {"name": ""}, "attributes": span.get("data", {})}


class Ran(NamedTuple):
    """What came of one service."""

    theirs: list
    """The spans that the vendor's server received."""
    ours: list
    """The spans that went where `setup()` was told to send them."""
    said: list
    """What was logged as a warning, or worse."""


# OpenTelemetry's own, for log records.
LOGS = Neighbour(
    "logging",
    (
        "opentelemetry-instrumentation-genai-openai==1.3b0",
        "opentelemetry-instrumentation-logging==0.66b2",
        OPENAI,
    ),
)


# Sets a tracer provider of its own whatever there is, to tell its makers how it is used; later ones ask first.
CREWAI = Neighbour("CrewAI", ("crewai==0.203.1", "opentelemetry-sdk>=1.40"))


@cache
def ran(name, order, settings="{}", **environment):
    """Run the service of a neighbour, once for each choice."""
    with VendorServer() as theirs, Sink() as ours, ModelServer() as model:
        of_vendor = {key: value.format(endpoint=theirs.url) for key, value in NEIGHBOURS[name].settings}
        run = subprocess.run(
            [str(python_of(name)), str(HERE / "service.py"), f"with_{name}", order],
            env=clean_environment(
                THEIRS=theirs.url,
                OURS=ours.url,
                OPENAI_BASE_URL=model.base_url,
                OPENAI_API_KEY="none",
                PYTHONPATH=str(HERE),
                NEIGHBOURS_SETTINGS=settings,
                **of_vendor,
                **environment,
            ),
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert run.returncode == 0, run.stderr
        return Ran(theirs.received.spans, ours.received.spans, json.loads(run.stdout.splitlines()[-1])["said"])


def crewed():
    """What the program with CrewAI printed, and the names of the spans that went where `setup()` sends them."""
    with Sink() as ours:
        environment = clean_environment(OURS=ours.url, PYTHONPATH=str(HERE))
        command = [str(python_of("crewai", CREWAI)), str(HERE / "crew.py")]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        assert run.returncode == 0, run.stderr
        return run.stdout, [span["name"] for span in ours.received.spans]


def logged(order):
    """The log records that OpenTelemetry's own instrumentations send, set up before us or after us."""
    with Sink() as theirs, ModelServer() as model:
        environment = clean_environment(
            THEIRS=theirs.url,
            OPENAI_BASE_URL=model.base_url,
            OPENAI_API_KEY="none",
            PYTHONPATH=str(HERE),
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="event_only",
            OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT="true",
        )
        command = [str(python_of("logs", LOGS)), str(HERE / "logs.py"), order]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        assert run.returncode == 0, run.stderr
        return theirs.received.logs
