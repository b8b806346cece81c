"""Without touching the code: the wheel, `opentelemetry-instrument`, and variables, flags or a file."""

import re
import subprocess
from collections import Counter

import pytest

from _servers import ROOT, clean_environment, post
from _zero_code import APP, BASE, OWN, chat, served

pytestmark = [pytest.mark.zerocode, pytest.mark.timeout(600)]

PLAIN = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/ready")
def ready():
    return {}


@app.post("/chat/{thread_id}")
def chat(thread_id: str, turn: dict):
    return {}
"""


def test_the_readmes_section(environments, tmp_path):
    """What the README says puts the id in a request's body on every span of an application that knows nothing of it."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Without touching the code\n")[2]
    install, *exports, start = re.findall(r"```console\n(.*?)\n```", section, re.DOTALL)[0].splitlines()
    assert (install.split()[:3], start) == (
        ["pip", "install", "langwatch-otel"],
        "opentelemetry-instrument uvicorn app:app",
    )
    variables = dict(re.findall(r"(OTEL_\w+)=(\S+)", "\n".join(exports)))
    assert variables.pop("OTEL_EXPORTER_OTLP_ENDPOINT") == "http://localhost:4318"  # Ours is on a free port.
    with served(environments(*install.split()[3:]), tmp_path, app=PLAIN, **variables) as application:
        assert post(application.port, "/chat/x", {"thread_id": "t1"})[0] == 200
    assert application.threads == dict.fromkeys(OWN, "t1")


def test_variables_alone(environments, tmp_path):
    """The wheel, the distro and variables put the id on every span of a request."""
    with served(environments(*BASE), tmp_path, OTEL_LANGWATCH_BACKFILL="true") as application:
        chat(application)
    assert application.threads == dict.fromkeys(OWN, "t1")
    assert "langwatch" not in application.log.lower()


def test_flags_alone(environments, tmp_path):
    """A setting is a flag of `opentelemetry-instrument`, too."""
    flags = ("--langwatch_backfill", "true", "--langwatch_conversation_id_on", "all")
    with served(environments(*BASE), tmp_path, flags=flags) as application:
        chat(application)
    assert application.threads == dict.fromkeys(OWN, "t1")
    assert {span.attributes.get("gen_ai.conversation.id") for span in application.spans} == {None, "t1"}


def test_a_file(environments, tmp_path):
    """Declarative configuration gives settings; one that is wrong is logged once, and the others hold."""
    options = {"backfill": True, "span_exclude_rules": ["name equals fastapi.serialization"], "max_id_lenght": 5}
    with served(environments(*BASE, "opentelemetry-configuration"), tmp_path, file=options) as application:
        chat(application)
    assert application.threads == dict.fromkeys(OWN - {"fastapi.serialization"}, "t1")
    assert application.log.count("max_id_lenght") == application.log.count("(perhaps max_id_length)") == 1


@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "langwatch"}, dict.fromkeys(OWN)),
        ({"OTEL_SDK_DISABLED": "true"}, {}),
    ],
)
def test_off(environments, tmp_path, variables, threads):
    """OpenTelemetry's own switches turn it off: spans go out without ids, or not at all."""
    # Nobody flushes at the end then: send soon, and stop when the spans are there.
    variables = {"OTEL_LANGWATCH_BACKFILL": "true", "OTEL_BSP_SCHEDULE_DELAY": "50", **variables}
    with served(environments(*BASE), tmp_path, **variables) as application:
        chat(application)
        application.receiver.wait_for(lambda spans: threads.keys() <= {span.name for span in spans})
    assert application.threads == threads


def test_wrong_settings_leave_telemetry_alive(environments, tmp_path):
    """A wrong value and a misspelt variable are logged once each; spans go out, and open ones have their id."""
    wrong = {"OTEL_LANGWATCH_MAX_ID_LENGTH": "5", "OTEL_LANGWATCH_BACKFIL": "true"}
    with served(environments(*BASE), tmp_path, **wrong) as application:
        chat(application)
    assert application.threads == {**dict.fromkeys(OWN, "t1"), "fastapi.dependencies": None}
    assert application.log.count("setting 'max_id_length' takes a whole number from 16 to 1024, got '5'") == 1
    assert application.log.count("setting 'OTEL_LANGWATCH_BACKFIL' takes no value") == 1
    assert application.log.count("(perhaps OTEL_LANGWATCH_BACKFILL)") == 1


def test_contribs_instrumentation_beside(environments, tmp_path):
    """With contrib's instrumentation installed the spans are its own, and have the id as well."""
    folder = environments(*BASE, "opentelemetry-instrumentation-fastapi")
    with served(folder, tmp_path, OTEL_LANGWATCH_BACKFILL="true") as application:
        chat(application)
    expected = {"POST /chat/{thread_id}", "POST /chat/{thread_id} http send"}
    assert application.threads == dict.fromkeys(expected, "t1")


SERVERS = {
    "uvicorn": ("uvicorn", "app:app", "--port", "{port}"),
    "workers": ("uvicorn", "app:app", "--port", "{port}", "--workers", "2"),
    "reload": ("uvicorn", "app:app", "--port", "{port}", "--reload"),
    "gunicorn": ("gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:{port}", "app:app"),
    "hypercorn": ("hypercorn", "-b", "127.0.0.1:{port}", "app:app"),
}


@pytest.mark.parametrize("server", SERVERS)
def test_nothing_is_lost_at_a_graceful_stop(environments, tmp_path, server):
    """All of 20 request spans arrive after SIGTERM, each with its id, whichever server it is."""
    folder = environments(*BASE, "gunicorn", "uvicorn-worker", "hypercorn")
    with served(folder, tmp_path, SERVERS[server], OTEL_LANGWATCH_BACKFILL="true") as application:
        for number in range(20):
            chat(application, f"t{number}")
    requests = [span for span in application.spans if span.name == "POST /chat/{thread_id}"]
    assert Counter(span.attributes.get("session.id") for span in requests) == {f"t{n}": 1 for n in range(20)}


ORDER = """
import sys
from importlib.metadata import entry_points
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

memory = InMemorySpanExporter()

def provide():
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)

points = {point.name: point for point in entry_points(group="opentelemetry_instrumentor")}
for step in sys.argv[1].split(","):
    provide() if step == "provider" else points[step].load()().instrument(skip_dep_check=True)

from app import app
from fastapi.testclient import TestClient
TestClient(app).post("/chat/t1")
print(sorted((span.name, span.attributes.get("session.id")) for span in memory.get_finished_spans()))
"""


def test_order_does_not_matter(environments, tmp_path):
    """Provider, ours and contrib's in any order: the same spans with the same ids."""
    folder = environments(*BASE, "opentelemetry-instrumentation-fastapi", "httpx", "httpx2")
    (tmp_path / "app.py").write_text(APP)
    orders = ["provider,langwatch,fastapi", "provider,fastapi,langwatch", "langwatch,provider,fastapi"]
    orders += ["langwatch,fastapi,provider", "fastapi,langwatch,provider", "fastapi,provider,langwatch"]
    seen = []
    for order in orders:
        ran = subprocess.run(
            [str(folder / "python"), "-c", ORDER, order],
            cwd=tmp_path,
            env=clean_environment(PYTHONPATH=""),
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        seen.append(ran.stdout)
    assert "('POST /chat/{thread_id}', 't1')" in seen[0]
    assert set(seen) == {seen[0]}
