"""What stands between an application and a backend, and the engine that many keep spans in: is the id seen to pass?"""

import json
import os
import re
import shutil
import subprocess
import sysconfig
from contextlib import ExitStack, contextmanager
from pathlib import Path

from _servers import ROOT, free_port
from langwatch_otel.workbench.receiver import Receiver

from .backends import GRPC, HTTP, SERVICE
from .environments import CACHE, CannotRunError, environment, program, version
from .processes import answers, fetch, running, scratch, until
from .talking import converse

HERE = Path(__file__).parent
BASE, VARIANT = ROOT / "collector-config.yaml", ROOT / "examples" / "collector" / "clickhouse.yaml"
QUERY = (HERE / "threads.sql").read_text()


def collector():
    """The Collector's program: what `OTELCOL` names, one that was built here, or one that is installed."""
    built = sorted(CACHE.parent.glob("otelcol-*/otelcol*"), key=lambda path: path.stat().st_mtime)
    found = (
        os.environ.get("OTELCOL") or (built and built[-1]) or shutil.which("otelcol-contrib") or shutil.which("otelcol")
    )
    if not found:
        raise CannotRunError("no Collector is built or installed")
    return found


def collector_version():
    """What the Collector calls itself."""
    said = subprocess.run([collector(), "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"\d+\.\d+\.\d+", said)[0]


@contextmanager
def collector_before(endpoint):
    """A Collector that passes on what it takes, batched."""
    http, grpc = free_port(), free_port()
    protocols = {"http": {"endpoint": f"127.0.0.1:{http}"}, "grpc": {"endpoint": f"127.0.0.1:{grpc}"}}
    configuration = {
        "receivers": {"otlp": {"protocols": protocols}},
        "processors": {"batch": {"timeout": "200ms"}},
        "exporters": {"otlp_http": {"endpoint": endpoint}},
        "service": {
            "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["otlp_http"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    with scratch() as folder:
        file = folder / "collector.json"
        file.write_text(json.dumps(configuration))
        # An empty request is answered as soon as it takes any.
        with running([collector(), "--config", file], folder, _takes_spans(http)):
            yield {HTTP: f"http://127.0.0.1:{http}", GRPC: f"http://127.0.0.1:{grpc}"}


def _takes_spans(port):
    def ready():
        try:
            return fetch(f"http://127.0.0.1:{port}/v1/traces", {"resourceSpans": []})[0] == 200
        except OSError:
            return False

    return ready


@contextmanager
def rotel_before(endpoint):
    """A rotel that passes on what it takes."""
    http, grpc = free_port(), free_port()
    [agent] = environment("rotel").glob("lib/python3*/site-packages/rotel/rotel-agent")
    out = ("--exporter", "otlp", "--otlp-exporter-endpoint", endpoint, "--otlp-exporter-protocol", "http")
    takes = ("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}")
    # The wheel's program is linked with Python's own library.
    libraries = sysconfig.get_config_var("LIBDIR") or ""
    linked = subprocess.run([agent, "--version"], capture_output=True, env={**os.environ, "LD_LIBRARY_PATH": libraries})
    if linked.returncode:
        raise CannotRunError("this Python has no shared library, which rotel is linked with")
    with scratch() as folder:
        command = [agent, "start", *takes, *out]
        with running(command, folder, _takes_spans(http), LD_LIBRARY_PATH=libraries):
            yield {HTTP: f"http://127.0.0.1:{http}", GRPC: f"http://127.0.0.1:{grpc}"}


def _spoken(endpoints):
    """The turns of the conversations, exported to each of `endpoints`."""
    turns = []
    for protocol, endpoint in endpoints.items():
        kind = "grpc" if protocol == GRPC else "http/protobuf"
        exporting = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": kind}
        turns += converse("ours", OTEL_SERVICE_NAME=SERVICE, **exporting)
    return turns


def _passing(before, version):
    """The row of a pipeline: how many spans came out, and how many with the ids that they went in with."""
    with Receiver() as receiver, before(receiver.endpoint) as endpoints:
        made = {span.span_id: span for turn in _spoken(endpoints) for span in turn.spans}
        until(lambda: len(receiver.spans), lambda found: found >= len(made), seconds=20)
        passed = {span.span_id: span for span in receiver.spans}
    keys = ("session.id", "user.id", "gen_ai.conversation.id")
    same = [
        key
        for key, span in made.items()
        if key in passed and all(passed[key].attributes.get(each) == span.attributes.get(each) for each in keys)
    ]
    return {
        "version": version,
        "over": list(endpoints),
        "spans": [len(passed), len(made)],
        "ids": [len(same), len(made)],
    }


def measure(name):
    """Return the row of the pipeline or engine called `name`."""
    if name == "collector":
        return _passing(collector_before, collector_version())
    if name == "rotel":
        return _passing(rotel_before, version("rotel"))
    return _in_clickhouse()


@contextmanager
def collector_into_clickhouse(url):
    """A Collector under the variant for ClickHouse, but that what it sends is not compressed."""
    ports = {name: free_port() for name in ("HTTP", "GRPC", "HEALTH")}
    environment = {f"COLLECTOR_{name}_ENDPOINT": f"127.0.0.1:{port}" for name, port in ports.items()}
    environment |= {"COLLECTOR_METRICS_PORT": str(free_port()), "CLICKHOUSE_ENDPOINT": url}
    with scratch() as folder:
        overlay = folder / "overlay.yaml"
        overlay.write_text("exporters: {clickhouse: {compress: none}}")
        command = [collector(), *(part for file in (BASE, VARIANT, overlay) for part in ("--config", file))]
        queue = str(folder / "queue")
        with running(command, folder, _takes_spans(ports["HTTP"]), COLLECTOR_QUEUE_DIRECTORY=queue, **environment):
            yield {HTTP: f"http://127.0.0.1:{ports['HTTP']}", GRPC: f"http://127.0.0.1:{ports['GRPC']}"}


def _in_clickhouse():
    """The row of ClickHouse's engine: the Collector's exporter makes its tables and writes; SQL groups by thread."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    with scratch() as folder, ExitStack() as stack:
        engine = [program("clickhouse", "python"), HERE / "clickhouse_server.py", port, folder / "data"]
        stack.enter_context(running(engine, folder, answers(url)))
        turns = _spoken(stack.enter_context(collector_into_clickhouse(url)))
        made = sum(len(turn.spans) for turn in turns)

        def count():
            return int(_sql(url, "SELECT count() AS n FROM otel.otel_traces")[0]["n"])

        there = until(count, lambda found: found >= made, seconds=30)
        _sql(url, "USE otel")
        rows = {row["thread"]: (row["user"], int(row["turns"])) for row in _sql(url, QUERY)}
        latest = {row["thread"]: int(row["turns"]) for row in _sql(url, _query_of_the_variant())}
        [in_view] = _sql(url, "SELECT uniqExact(TraceId) AS traces FROM otel_traces_trace_id_ts")
    threads = {turn.named: (turn.user_id, _traces(turns, turn.named)) for turn in turns}
    right = [thread for thread in threads if rows.get(thread) == threads[thread]]
    assert latest == {thread: found for thread, (_, found) in rows.items()}
    assert int(in_view["traces"]) == len(set().union(*(turn.traces for turn in turns)))
    return {
        "version": version("clickhouse"),
        "over": [HTTP, GRPC],
        "spans": [there, made],
        "grouped": [len(right), len(threads)] if len(rows) == len(threads) else [0, len(threads)],
    }


def _query_of_the_variant():
    """The SQL in the comment at the head of the variant."""
    lines = [line.removeprefix("#").strip() for line in VARIANT.read_text().splitlines() if line.startswith("#     ")]
    return " ".join(lines[next(at for at, line in enumerate(lines) if line.startswith("SELECT")) :])


def _traces(turns, thread):
    return len(set().union(*(turn.traces for turn in turns if turn.named == thread)))


def _sql(url, query):
    status, answer = fetch(url, query.encode())
    assert status == 200, answer
    return [json.loads(line) for line in answer.splitlines()]


PIPELINES = ("collector", "rotel", "clickhouse")
