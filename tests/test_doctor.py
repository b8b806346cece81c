"""`langwatch-otel doctor`, run as a user runs it: in set-ups that are broken in one way each, and in others."""

import os
import subprocess
import sys
import threading
from concurrent import futures
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from inspect import getsource

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk import _configuration

from _doctor import AUTOMATIC, SetUp, ask, listens, plain, press_enter, requests_to, wait_until
from _servers import ROOT, clean_environment, free_port
from _set_ups import APP, BROKEN, PORTS, SOURCES, UVICORN
from _set_ups_of_endpoints import SECRET
from _set_ups_of_the_start import OURS_ALONE
from langwatch_otel.workbench.receiver import Receiver

OVER = "a program that is over before it is looked at"

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
    OVER: SetUp(command=(sys.executable, "-c", "import langwatch_otel; langwatch_otel.setup(instrumentors=[])")),
    "nobody came": SetUp(
        variables={"OTEL_LANGWATCH_THREAD_ID_FROM": SOURCES},
        command=(*AUTOMATIC, sys.executable, "-c", "print('here I am', flush=True); import time; time.sleep(60)"),
        do=press_enter,
    ),
}


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
            "a path": receiver.endpoint + "/v1/traces",
            "https": receiver.endpoint.replace("http", "https"),
            "no scheme": receiver.endpoint.removeprefix("http://"),
            "nobody": f"http://{SECRET}:{SECRET}@127.0.0.1:{free_port()}/{SECRET}?key={SECRET}",
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
    if name == "a file without the package that reads it" and "OTEL_CONFIG_FILE" not in getsource(_configuration):
        pytest.skip("not run: this OpenTelemetry knows nothing of a file")
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


def test_what_a_wrong_setting_becomes_is_said(answers):
    """The default, or nothing at all where that would let out what was to be kept in; code is refused."""
    found = {so_what for check, _, so_what, _ in answers["wrong settings"].lines("wrong")}
    in_code = {so_what for check, _, so_what, _ in answers["a wrong setting, in code"].lines("wrong")}
    assert (found, in_code) == (
        {"the default holds", "no user id is recorded"},
        {"setup() and instrument() raise ConfigurationError"},
    )


def test_sources_are_judged_where_requests_came(answers):
    """Each source's hits are counted; without requests nothing is said against them."""
    assert what(answers["an application with sources"], "sources") == [
        "thread_id: header:x-thread gave 2 of 2, path:thread_id gave 0 of 0"
    ]
    assert what(answers["nobody came"], "sources") == ["not judged: no request came"]


def test_the_endpoint_takes_an_empty_export(answers):
    """By the protocol that is set: an endpoint that speaks it answers."""
    said = {name: what(answers[name], "endpoint") for name in ("as it should be", "gRPC", "code alone", OVER)}
    assert said == {
        "as it should be": ["http://127.0.0.1:PORT by http/protobuf took an empty export"],
        "gRPC": ["127.0.0.1:PORT by grpc took an empty export"],
        "code alone": ["http://127.0.0.1:PORT by http/protobuf took an empty export"],
        OVER: ["http://127.0.0.1:PORT by http/protobuf took an empty export"],
    }


def test_secrets_and_ids_are_not_told(answers):
    """Neither keys, nor what a URL holds beside its host, nor ids are in any answer."""
    assert [name for name, answer in answers.items() if SECRET in answer.stdout] == []
    shown = ("nothing listens at the endpoint", "the endpoint wants a key", "headers that are none")
    assert SECRET not in "".join(answers[name].stderr for name in shown)


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
