"""`langwatch-otel doctor`, run as a user runs it: in set-ups that are broken in one way each, and in others."""

import os
import subprocess
import sys
import threading
from concurrent import futures
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from _doctor import AUTOMATIC, BASE, SetUp, ask, listens, plain, press_enter, requests_to, wait_until
from _servers import ROOT, clean_environment, free_port
from langwatch_otel.workbench.receiver import Receiver

SECRET = "hunter2"

APP = """
import langwatch_otel as langwatch
from fastapi import FastAPI

langwatch.setup(instrumentors=[])

app = FastAPI()


@app.post("/chat/{thread}")
def chat(thread: str):
    return {}
"""

UVICORN = (sys.executable, "-m", "uvicorn", "app:app", "--log-level", "warning", "--port")


class Refuses(BaseHTTPRequestHandler):
    """An OTLP endpoint that wants a key."""

    def do_POST(self):
        self.send_error(401, f"{SECRET} is not the key")

    def log_message(self, *args): ...


class TakesSpans(grpc.GenericRpcHandler):
    """An OTLP endpoint that speaks gRPC."""

    def service(self, details):
        assert details.method == "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        return grpc.unary_unary_rpc_method_handler(lambda request, _: ExportTraceServiceResponse().SerializeToString())


@pytest.fixture(scope="module")
def endpoints():
    """{kind: URL} of endpoints that answer, each in its way."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        refuses = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
        stack.callback(refuses.server_close)
        stack.callback(refuses.shutdown)
        threading.Thread(target=refuses.serve_forever, daemon=True).start()
        takes = grpc.server(futures.ThreadPoolExecutor(2), [TakesSpans()])
        port = takes.add_insecure_port("127.0.0.1:0")
        takes.start()
        stack.callback(lambda: takes.stop(0).wait())
        yield {
            "http": receiver.endpoint,
            "refuses": f"http://127.0.0.1:{refuses.server_address[1]}",
            "grpc": f"http://127.0.0.1:{port}",
            "nobody": f"http://{SECRET}:{SECRET}@127.0.0.1:{free_port()}/{SECRET}?key={SECRET}",
        }


OURS_ALONE = {"langwatch-otel": BASE["langwatch-otel"]}
SOURCES = "header:X-Thread,path:thread_id"
PORTS = {name: free_port() for name in ("matched", "never")}

START_DO = "see the error above; OTEL_PYTHON_DISABLED_INSTRUMENTATIONS leaves an instrumentor out"
OFF = ("plugin", "it is off", "see what failed as OpenTelemetry started, here and above")
OFF_IN_CODE = (
    "plugin",
    "it is off",
    "call setup() or LangWatchInstrumentor().instrument() as the program starts, or use opentelemetry-instrument",
)
NO_PROVIDER = (
    "provider",
    "there is no tracer provider",
    "call setup(), or start the command with opentelemetry-instrument",
)
NO_EXPORTER = ("provider", "it has no exporter", "OTEL_TRACES_EXPORTER=otlp; it is not set")


def not_taken(where, why, to_do="start what should listen there, or set OTEL_EXPORTER_OTLP_ENDPOINT to where it is"):
    """The line for an endpoint that does not take an export."""
    return "endpoint", f"{where} did not take an empty export: {why}", to_do


def too_long(backend, key, length):
    """The line for a backend that takes less than ids may have."""
    to_do = f"OTEL_LANGWATCH_MAX_ID_LENGTH={length}, in every service"
    return "limits", f"{backend} takes {length} characters in {key}, ids have up to 240", to_do


# {name: (what is arranged, what the doctor says is wrong)}; the endpoint is one that answers unless it is named.
BROKEN = {
    "nothing listens at the endpoint": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "nobody"}),
        [not_taken("http://127.0.0.1:PORT by http/protobuf", "ConnectionRefusedError")],
    ),
    "the endpoint wants a key": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "refuses", "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRET}"}),
        [
            not_taken(
                "http://127.0.0.1:PORT by http/protobuf",
                "HTTP 401",
                "see to the credentials in OTEL_EXPORTER_OTLP_HEADERS, or LANGWATCH_API_KEY",
            )
        ],
    ),
    "another protocol": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
        [not_taken("127.0.0.1:PORT by grpc", "gRPC UNAVAILABLE")],
    ),
    "no entry point": (
        SetUp(packages={**BASE, "langwatch-otel": ("0.1.0", {})}),
        [
            (
                "plugin",
                "its entry point is not among what is installed",
                "pip install --force-reinstall langwatch-otel; a folder on PYTHONPATH is not enough",
            ),
            OFF,
        ],
    ),
    "another instrumentor raises": (
        SetUp(packages={"a-broken": ("1.0", {"opentelemetry_instrumentor": {"b": "some_packages:Broken"}}), **BASE}),
        [
            ("start", "Instrumenting of b failed (KeyError)", START_DO),
            ("start", "Failed to auto initialize OpenTelemetry (KeyError)", START_DO),
            OFF,
        ],
    ),
    "turned off by a variable": (
        SetUp(variables={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}),
        [("plugin", "it is off", "take it out of OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")],
    ),
    "the SDK is disabled": (
        SetUp(variables={"OTEL_SDK_DISABLED": "true"}),
        [("plugin", "it is off", "unset OTEL_SDK_DISABLED")],
    ),
    "a second distro": (
        SetUp(packages={"a-silent": ("1.0", {"opentelemetry_distro": {"s": "some_packages:SilentDistro"}}), **BASE}),
        [
            (
                "start",
                "2 distros are installed: s of a-silent, first of a-distro",
                "uninstall one, or name one with OTEL_PYTHON_DISTRO",
            ),
            NO_EXPORTER,
        ],
    ),
    "a distro that is not there": (
        SetUp(variables={"OTEL_PYTHON_DISTRO": "acme"}),
        [
            ("start", "OTEL_PYTHON_DISTRO names acme, which is not installed", "one of first, or unset it"),
            NO_EXPORTER,
        ],
    ),
    "no distro": (
        SetUp(packages=OURS_ALONE, command=(*AUTOMATIC, sys.executable, "-c", "pass")),
        [
            ("start", "no configurator is installed", "pip install opentelemetry-distro"),
            ("provider", "there is no tracer provider", "see what is said of the start and of the file"),
        ],
    ),
    "instrumentors of OpenAI": (
        SetUp(
            packages={
                "opentelemetry-instrumentation-openai": ("0.62.4", {}),
                "opentelemetry-instrumentation-openai-v2": ("2.4b0", {}),
                "opentelemetry-util-genai": ("1.3b0", {}),
                **BASE,
            }
        ),
        [
            (
                "packages",
                "opentelemetry-instrumentation-openai-v2 cannot be imported beside opentelemetry-util-genai N",
                "pip uninstall opentelemetry-instrumentation-openai-v2; "
                "pip install --pre opentelemetry-instrumentation-genai-openai",
            ),
            (
                "packages",
                "2 instrumentors of OpenAI are installed: opentelemetry-instrumentation-openai, "
                "opentelemetry-instrumentation-openai-v2",
                "pip uninstall opentelemetry-instrumentation-openai-v2",
            ),
        ],
    ),
    "no baggage": (
        SetUp(variables={"OTEL_PROPAGATORS": "tracecontext"}),
        [("propagators", "traceparent, tracestate, without baggage", "OTEL_PROPAGATORS=tracecontext,baggage")],
    ),
    "a limit that cuts ids": (
        SetUp(variables={"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "32"}),
        [("limits", "attributes of spans are cut at 32 characters, ids at 200", "OTEL_LANGWATCH_MAX_ID_LENGTH=32")],
    ),
    "a backend's limit": (
        SetUp(
            variables={
                "OTEL_LANGWATCH_CONVENTIONS": "otel,langfuse,mlflow,azure_monitor",
                "OTEL_LANGWATCH_MAX_ID_LENGTH": "240",
            }
        ),
        [
            too_long("Langfuse", "session.id", 200),
            too_long("Langfuse", "user.id", 200),
            too_long("Azure Monitor, Application Insights", "session.id", 64),
        ],
    ),
    "wrong settings": (
        SetUp(
            variables={
                "OTEL_LANGWATCH_BACKFIL": SECRET,
                "OTEL_LANGWATCH_MAX_ID_LENGTH": "5",
                "OTEL_LANGWATCH_USER_ID_HASH_KEY": SECRET,
            }
        ),
        [
            ("settings", what, "correct it, or take it out")
            for what in (
                "OTEL_LANGWATCH_BACKFIL is no setting (perhaps OTEL_LANGWATCH_BACKFILL)",
                "setting 'max_id_length' takes a whole number from 16 to 1024, got '5'",
                "setting 'user_id_hash_key' takes a secret of 16 bytes or more, got a value that is not shown",
            )
        ],
    ),
    "nothing is sampled": (
        SetUp(variables={"OTEL_TRACES_SAMPLER": "always_off"}),
        [("provider", "its sampler drops every span", "OTEL_TRACES_SAMPLER=parentbased_always_on")],
    ),
    "no exporter": (
        SetUp(variables={"OTEL_TRACES_EXPORTER": "none"}),
        [("provider", "it has no exporter", "OTEL_TRACES_EXPORTER=otlp; it is none")],
    ),
    "a file without the package that reads it": (
        SetUp(variables={"OTEL_CONFIG_FILE": "otel.yaml"}),
        [
            (
                "file",
                "OTEL_CONFIG_FILE needs a package that is not installed",
                "pip install opentelemetry-configuration",
            ),
            OFF,
            ("provider", "there is no tracer provider", "see what is said of the start and of the file"),
        ],
    ),
    "a command that fails": (
        SetUp(command=(sys.executable, "-c", f"raise SystemExit('{SECRET}')")),
        [
            (
                "command",
                "it ended by itself with status 1",
                "see what it wrote above, and start it without the doctor first",
            ),
            OFF_IN_CODE,
            NO_PROVIDER,
        ],
    ),
    "no Python": (
        SetUp(command=("sleep", "60"), options=("--seconds", "0.5")),
        [
            (
                "command",
                "no Python in it could be looked into",
                "start Python itself, without -I, -E and -S, and with the doctor's PYTHONPATH",
            )
        ],
    ),
    "sources that never match": (
        SetUp(
            files={"app.py": APP},
            variables={"OTEL_LANGWATCH_THREAD_ID_FROM": SOURCES},
            command=(*UVICORN, str(PORTS["never"])),
            do=requests_to(PORTS["never"], (f"/chat/{SECRET}", {"x-thred": SECRET})),
        ),
        [
            (
                "sources",
                "thread_id: no source matched in any request (header:x-thread gave 0 of 1, path:thread_id gave 0 of 1)",
                "see to the spelling in OTEL_LANGWATCH_THREAD_ID_FROM, and to what clients send",
            )
        ],
    ),
}

WELL = {
    "as it should be": SetUp(variables={"OTEL_LANGWATCH_BACKFILL": "true"}),
    "gRPC": SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
    "an application with sources": SetUp(
        files={"app.py": APP},
        variables={"OTEL_LANGWATCH_THREAD_ID_FROM": SOURCES, "OTEL_LANGWATCH_USER_ID_HASH_KEY": SECRET * 3},
        command=(*UVICORN, str(PORTS["matched"])),
        do=requests_to(PORTS["matched"], *[(f"/chat/{SECRET}", {"x-thread": SECRET})] * 2),
    ),
    "code alone": SetUp(packages=OURS_ALONE, variables={"OTEL_LANGWATCH_INBOUND": "ignore"}),
    "nobody came": SetUp(
        variables={"OTEL_LANGWATCH_THREAD_ID_FROM": SOURCES},
        command=(*AUTOMATIC, sys.executable, "-c", "print('here I am', flush=True); import time; time.sleep(60)"),
        do=press_enter,
    ),
}


@pytest.fixture(scope="module")
def answers(endpoints, tmp_path_factory):
    """The answer in each set-up: a few doctors work while tests wait for the first."""
    folder = tmp_path_factory.mktemp("doctor")

    def answer(name, set_up):
        endpoint = set_up.variables.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http")
        variables = {**set_up.variables, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoints[endpoint]}
        return ask(folder / name.replace(" ", "-"), replace(set_up, variables=variables))

    with futures.ThreadPoolExecutor(3) as pool:
        running = {name: pool.submit(answer, name, set_up) for name, set_up in WELL.items()}
        running.update({name: pool.submit(answer, name, set_up) for name, (set_up, _) in BROKEN.items()})
        yield {name: answer.result() for name, answer in running.items()}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_explained(answers, name):
    """What is wrong is said with what to do, nothing else is called wrong, and the exit code says so."""
    assert (answers[name].wrong, answers[name].code) == (BROKEN[name][1], 1)


@pytest.mark.parametrize("name", WELL)
def test_what_is_well_is_called_so(answers, name):
    """Nothing is wrong, also where nobody can judge, and the exit code says so."""
    assert (answers[name].wrong, answers[name].code) == ([], 0)


def what(answer, check):
    """What is said of a subject that is fine."""
    return [what for found, what, _, _ in answer.lines("ok") if found == check]


def test_settings_say_where_they_came_from(answers):
    """From the environment, from the code, or the default; a secret is only set."""
    found = what(answers["an application with sources"], "settings")
    assert found[:4] == [
        "backfill=true (code)",
        "capture_content=true (code)",
        "thread_id_from=header:x-thread,path:thread_id (environment)",
        "user_id_hash_key=set (environment)",
    ]
    assert found[4].startswith("baggage_in_context=true, conventions=otel,langwatch, ")
    assert found[4].endswith(" (default)")


def test_sources_are_judged_where_requests_came(answers):
    """Each source's hits are counted; without requests nothing is said against them."""
    assert what(answers["an application with sources"], "sources") == [
        "thread_id: header:x-thread gave 2 of 2, path:thread_id gave 0 of 0"
    ]
    assert what(answers["nobody came"], "sources") == ["not judged: no request came"]


def test_the_endpoint_takes_an_empty_export(answers):
    """By the protocol that is set: an endpoint that speaks it answers."""
    said = {name: what(answers[name], "endpoint") for name in ("as it should be", "gRPC", "code alone")}
    assert said == {
        "as it should be": ["http://127.0.0.1:PORT by http/protobuf took an empty export"],
        "gRPC": ["127.0.0.1:PORT by grpc took an empty export"],
        "code alone": ["http://127.0.0.1:PORT by http/protobuf took an empty export"],
    }


def test_secrets_and_ids_are_not_told(answers):
    """Neither keys, nor what a URL holds beside its host, nor ids are in any answer."""
    assert [name for name, answer in answers.items() if SECRET in answer.stdout] == []
    assert SECRET not in answers["nothing listens at the endpoint"].stderr + answers["the endpoint wants a key"].stderr


def test_the_command_is_stopped(answers):
    """Nothing of it is left, and what it wrote went to standard error."""
    assert [port for port in PORTS.values() if listens(port)] == []
    assert answers["nobody came"].stderr == "here I am\n"


def test_told_to_end_it_ends_the_command_first(tmp_path):
    """A doctor that gets SIGTERM leaves nothing running."""

    def end(process, stderr):
        wait_until(lambda: "here I am" in stderr())
        process.terminate()

    program = "import os, time; print(os.getpid(), 'here I am', flush=True); time.sleep(60)"
    answer = ask(tmp_path, SetUp(packages={}, command=(sys.executable, "-c", program), do=end))
    assert (answer.code, answer.stdout) == (143, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(answer.stderr.split()[0]), 0)


def test_the_page_shows_what_is_printed(endpoints, tmp_path):
    """The sample of the documentation is an answer as a person reads it."""
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    sample = page.partition("```console\n$ langwatch-otel doctor\n")[2].partition("```")[0]
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoints["nobody"],
        "OTEL_PROPAGATORS": "tracecontext",
        "OTEL_LANGWATCH_BACKFIL": "true",
    }
    answer = ask(tmp_path, SetUp(variables=variables), json_output=False)
    assert (plain(answer.stdout), answer.code) == (plain(sample), 1)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--", "no-such-command"], "langwatch-otel doctor: no-such-command: No such file or directory\n"),
        (["--seconds", "soon"], "error: argument --seconds: invalid seconds value: 'soon'\n"),
    ],
)
def test_wrong_usage(arguments, complaint):
    """A command that cannot be started, or an option that does not exist, is wrong usage."""
    run = subprocess.run(
        [sys.executable, "-m", "langwatch_otel.cli", "doctor", *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr.endswith(complaint)) == (2, "", True)
