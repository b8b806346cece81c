"""The doctor in virtual environments: the packages that people install, their servers, and files of configuration."""

import sys
from pathlib import Path

import pytest

from _doctor import SetUp, ask, plain, requests_to
from _servers import free_port
from langwatch_otel.workbench.receiver import Receiver

pytestmark = [pytest.mark.zerocode, pytest.mark.timeout(600)]

APP = """
from fastapi import FastAPI

app = FastAPI()


@app.post("/chat/{thread_id}")
def chat(thread_id: str):
    return {}
"""

FILE = """
file_format: "1.0"
PROPAGATOR
tracer_provider:
  processors: [{batch: {exporter: {otlp_http: {endpoint: "ENDPOINT/v1/traces"}}}}PROCESSOR]
instrumentation/development:
  python:
    langwatch: {backfill: true, max_id_lenght: 5}
"""
PROPAGATOR = "propagator: {composite: [{tracecontext: {}}, {baggage: {}}]}"
PROPAGATOR_IN_FILE = "propagator: {composite: [{tracecontext: {}}, {baggage: {}}]} in the file of OTEL_CONFIG_FILE"
MISSPELT = ("settings", "max_id_lenght is no setting (perhaps max_id_length)", "correct it, or take it out")

BASE = ("opentelemetry-distro", "fastapi", "uvicorn", "gunicorn", "uvicorn-worker", "opentelemetry-configuration")


def answer(bin_folder, folder, set_up, file=None):
    """The doctor of that environment, with an endpoint that answers."""
    with Receiver() as receiver:
        variables = {
            "PATH": f"{bin_folder}:/usr/bin:/bin",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "",
            **set_up.variables,
        }
        files = {"app.py": APP}
        if file is not None:
            files["otel.yaml"] = file.replace("ENDPOINT", receiver.endpoint)
            variables["OTEL_CONFIG_FILE"] = str(folder / "otel.yaml")
        made = SetUp(packages={}, variables=variables, command=set_up.command, files=files, do=set_up.do)
        found = ask(folder, made, python=bin_folder / "python", source="")
    print(found.stdout, found.stderr)
    return found


def said(found, check):
    """What is fine of a subject."""
    return [what for about, what, _, _ in found.lines("ok") if about == check]


SERVERS = {
    "uvicorn": ("uvicorn", "app:app", "--port", "{port}"),
    "workers": ("uvicorn", "app:app", "--port", "{port}", "--workers", "2"),
    "reload": ("uvicorn", "app:app", "--port", "{port}", "--reload"),
    "gunicorn": ("gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:{port}", "app:app"),
}


@pytest.mark.parametrize("server", SERVERS)
def test_inside_a_server(environments, tmp_path, server):
    """The process that serves is the one that is looked into, whichever server it is."""
    port = free_port()
    command = ("opentelemetry-instrument", *(part.format(port=port) for part in SERVERS[server]))
    set_up = SetUp(
        variables={"OTEL_LANGWATCH_THREAD_ID_FROM": "path:thread_id"},
        command=command,
        do=requests_to(port, ("/chat/t1", {})),
    )
    found = answer(environments(*BASE), tmp_path, set_up)
    assert (found.wrong, found.code) == ([], 0)
    assert said(found, "sources") == ["thread_id: path:thread_id gave 1 of 1"]
    assert said(found, "plugin") == ["the entry point of opentelemetry-instrument is there", "it is on"]


def test_a_file_with_our_processor(environments, tmp_path):
    """`langwatch` among the processors of a file ends all telemetry; where it belongs is said."""
    file = FILE.replace("PROPAGATOR", PROPAGATOR).replace("PROCESSOR", ", {langwatch: {}}")
    found = answer(environments(*BASE), tmp_path, SetUp(), file)
    assert [line for line in found.wrong if line[0] == "file"] == [
        (
            "file",
            "it names langwatch among processors:, which takes batch and simple only",
            "move langwatch: below `instrumentation/development: python:`",
        )
    ]


def test_a_file_without_propagator(environments, tmp_path):
    """A file that has no `propagator:` has none at all; its settings are said to be its own."""
    found = answer(environments(*BASE), tmp_path, SetUp(), FILE.replace("PROPAGATOR", "").replace("PROCESSOR", ""))
    assert found.wrong == [MISSPELT, ("propagators", "the file has no `propagator:`", PROPAGATOR_IN_FILE)]
    assert said(found, "settings")[0] == "backfill=true (file)"
    assert said(found, "file") == ["it was taken"]


WHOLE = FILE.replace("PROPAGATOR", PROPAGATOR).replace("PROCESSOR", "")
MISPLACED = "move it below `instrumentation/development: python:`"
FILES = {
    WHOLE + "disabled: true": ("it says `disabled: true`", "take that out"),
    WHOLE.replace("/development", ""): ("it has langwatch: where nothing reads it", MISPLACED),
    WHOLE.replace("{baggage", "{bagage"): ("it was refused half way (ConfigurationError)", "see the error above"),
    WHOLE.replace('file_format: "1.0"', ""): ("it was refused (ConfigurationError)", "see the error above"),
}


@pytest.mark.parametrize("file", FILES, ids=["disabled", "misplaced", "half way", "refused"])
def test_a_file_that_is_not_taken(environments, tmp_path, file):
    """What of a file is not in force, and why; of a secret in it nothing is shown."""
    secret = '{headers: [{name: x-key, value: hunter2}], endpoint: "ENDPOINT'
    found = answer(environments(*BASE), tmp_path, SetUp(), file.replace('{endpoint: "ENDPOINT', secret))
    assert [(what, to_do) for check, what, to_do in found.wrong if check == "file"] == [FILES[file]]
    assert bool(said(found, "endpoint")) is bool(said(found, "provider"))  # The one of the variables is not asked.
    assert "hunter2" not in found.stdout + found.stderr


IN_FILE = "in the file of OTEL_CONFIG_FILE"
ADVICE = {
    WHOLE.replace(
        "/v1/traces", ""
    ): f"`endpoint:` of the exporter {IN_FILE} is taken as it is: /v1/traces belongs to it",
    WHOLE.replace("otlp_http", "otlp_grpc"): (
        f"start what should listen there, or make the exporter {IN_FILE} otlp_http if it speaks that"
    ),
    WHOLE + "attribute_limits: {attribute_count_limit: 8}": f"raise attribute_count_limit: {IN_FILE}",
    WHOLE.replace("processors", "sampler: {always_off: {}}\n  processors"): (
        "take `sampler:` out of the file of OTEL_CONFIG_FILE"
    ),
}


@pytest.mark.parametrize("file", ADVICE, ids=["endpoint", "protocol", "limits", "sampler"])
def test_where_a_file_says_it_the_file_is_to_be_changed(environments, tmp_path, file):
    """What to do names the file, for no variable reaches what a file says."""
    found = answer(environments(*BASE), tmp_path, SetUp(), file)
    assert [to_do for check, _, to_do in found.wrong if check != "settings"] == [ADVICE[file]]


def test_a_file_with_variables(environments, tmp_path):
    """What a file takes from the environment is what is judged."""
    settings = '{max_id_length: "${LONGEST}", user_id_hash_key: "${KEY}"}'
    file = WHOLE.replace("{backfill: true, max_id_lenght: 5}", settings)
    variables = {"LONGEST": "100", "KEY": "hunter2" * 3}
    found = answer(environments(*BASE), tmp_path, SetUp(variables=variables), file)
    assert (found.wrong, said(found, "settings")[:2]) == (
        [],
        ["max_id_length=100 (file)", "user_id_hash_key=set (file)"],
    )


def test_a_file_that_is_broken(environments, tmp_path):
    """A file that is no YAML, and one that is not there, are told apart."""
    found = answer(environments(*BASE), tmp_path, SetUp(), "{")
    assert [what for check, what, _ in found.wrong if check == "file"] == ["it is no YAML with a mapping in it"]
    found = answer(environments(*BASE), tmp_path / "b", SetUp(variables={"OTEL_CONFIG_FILE": "no.yaml"}))
    assert [what for check, what, _ in found.wrong if check == "file"] == [
        "OTEL_CONFIG_FILE names a file that does not exist"
    ]


def test_instrumentors_of_openai(environments, tmp_path):
    """The one that cannot be imported is named; what imports without both has neither."""
    packages = (
        "opentelemetry-distro",
        "openai",
        "opentelemetry-instrumentation-openai",
        "opentelemetry-instrumentation-openai-v2==2.4b0",
        "opentelemetry-util-genai==1.3b0",
    )
    found = answer(environments(*packages), tmp_path, SetUp())
    assert [(check, what) for check, what, _ in found.wrong] == [
        ("packages", "opentelemetry-instrumentation-openai-v2 cannot be imported beside opentelemetry-util-genai N")
    ]


def test_contribs_fastapi_and_an_http_client(environments, tmp_path):
    """Contrib's FastAPI instrumentation silences FastAPI's own spans; an HTTP client's is named."""
    packages = ("opentelemetry-instrumentation-fastapi", "opentelemetry-instrumentation-httpx", "httpx")
    found = answer(environments(*BASE, *packages), tmp_path, SetUp())
    assert found.wrong == []
    assert [what for check, what, _, _ in found.lines("note") if check == "packages"] == [
        "contrib's FastAPI instrumentation silences the spans that FastAPI N makes itself"
    ]
    assert said(found, "provider")[1:] == ["HTTP clients with instrumentation: httpx"]


def test_a_python_that_is_another(environments, tmp_path):
    """A command whose Python has no langwatch-otel is told to install it there; one that cannot be seen, is said so."""
    other = Path(sys.base_prefix) / "bin" / "python3"
    found = answer(environments(*BASE), tmp_path, SetUp(command=(str(other), "-c", "pass")))
    assert [line[:2] for line in found.wrong] == [
        ("plugin", f"langwatch-otel is not installed for {plain(str(other))}"),
        ("provider", "there is no tracer provider"),
    ]
    hidden = answer(environments(*BASE), tmp_path / "b", SetUp(command=(str(other), "-S", "-c", "pass")))
    assert [line[:2] for line in hidden.wrong] == [("command", "no Python in it could be looked into")]
