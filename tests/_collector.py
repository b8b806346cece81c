"""The real Collector as a process: started with configurations of this repository, killed, and started again."""

import importlib.util
import itertools
import os
import re
import signal
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.common._internal import _encode_attributes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from _otlp import PROTOBUF
from _servers import ROOT, clean_environment, free_port, post

BASE = ROOT / "collector-config.yaml"
VARIANTS = ROOT / "examples" / "collector"

_spec = importlib.util.spec_from_file_location("build", VARIANTS / "build.py")
build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)

PROGRAM = Path(os.environ.get("OTELCOL") or build.collector())
"""`OTELCOL` names another, such as contrib's own distribution."""

needs_collector = [
    pytest.mark.collector,
    pytest.mark.skipif(
        not PROGRAM.exists(), reason="not run: no Collector; `python examples/collector/build.py` first"
    ),
]

ERROR, SERVER, INTERNAL = 2, 2, 1


class Collector:
    """A Collector on free ports that stay the same when it is started again; its queue stays too."""

    def __init__(self, folder, *configs, **environment):
        self.port, self.grpc_port, self.health_port = free_port(), free_port(), free_port()
        self.environment = {
            "COLLECTOR_HTTP_ENDPOINT": f"127.0.0.1:{self.port}",
            "COLLECTOR_GRPC_ENDPOINT": f"127.0.0.1:{self.grpc_port}",
            "COLLECTOR_HEALTH_ENDPOINT": f"127.0.0.1:{self.health_port}",
            "COLLECTOR_METRICS_PORT": str(free_port()),
            "COLLECTOR_QUEUE_DIRECTORY": str(folder / "queue"),
            **environment,
        }
        self.command = [str(PROGRAM)]
        for number, config in enumerate(configs or (BASE,)):
            if isinstance(config, str):
                overlay = folder / f"overlay-{number}.yaml"
                overlay.write_text(config)
                config = overlay
            self.command += ["--config", str(config)]
        self._log = folder / "collector.log"
        self._process = None

    @property
    def endpoint(self):
        """The value for `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        """What it has said, in all of its runs."""
        return self._log.read_text()

    def start(self):
        """Return when it is ready."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self.command, cwd=self._log.parent, env=clean_environment(**self.environment), stdout=log, stderr=log
            )
        said = self.log.count("Everything is ready")
        wait_until(lambda: self.log.count("Everything is ready") > said or self._process.poll() is not None)
        assert self._process.poll() is None, self.log

    def end(self, how=signal.SIGTERM):
        """End it as a supervisor does, or with SIGKILL as nobody should."""
        self._process.send_signal(how)
        self._process.wait(20)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        if self._process.poll() is None:
            self.end()
        said = [line for line in self.log.splitlines() if "\twarn\t" in line or "\terror\t" in line]
        print(*said[-20:], sep="\n")  # Shown by pytest where the test fails.

    def counted(self, what, by):
        """{value: count} of one of its own metrics, by that label."""
        with urllib.request.urlopen(f"http://localhost:{self.environment['COLLECTOR_METRICS_PORT']}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        pattern = re.compile(rf'otelcol_{what}(?:_total|__spans__total)?\{{.*{by}="([^"]+)".*\}} (\d+)')
        return {match[1]: int(match[2]) for line in lines if (match := pattern.match(line))}

    def send(self, *spans, resource=None):
        """Send spans over OTLP, and return when it has accepted them."""
        status, _, body = post(self.port, "/v1/traces", encoded(spans, resource or {}), {"Content-Type": PROTOBUF})
        assert status == 200, body


@contextmanager
def collectors(*several):
    """All of them, while the block runs."""
    try:
        for each in several:
            each.start()
        yield
    finally:
        for each in several:
            each.__exit__()


_numbers = itertools.count(1)


def span(name, attributes=None, **more):
    """A span to be sent: `trace`, `parent`, `kind`, `scope`, `status`, `message` and `events` as they are given."""
    return {"name": name, "attributes": attributes or {}, "trace": next(_numbers), **more}


def encoded(spans, resource):
    """The OTLP request that has these spans."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.extend(_encode_attributes(resource) or ())
    for one in spans:
        of_scope = of_resource.scope_spans.add()
        of_scope.scope.name = one.get("scope", "the application")
        made = of_scope.spans.add(
            trace_id=one["trace"].to_bytes(16, "big"),
            span_id=next(_numbers).to_bytes(8, "big"),
            parent_span_id=one.get("parent", b""),
            name=one["name"],
            kind=one.get("kind", INTERNAL),
            start_time_unix_nano=1_700_000_000_000_000_000,
            end_time_unix_nano=1_700_000_000_100_000_000,
        )
        made.status.code = one.get("status", 0)
        made.status.message = one.get("message", "")
        made.attributes.extend(_encode_attributes(one["attributes"]) or ())
        for event, attributes in one.get("events", {}).items():
            made.events.add(name=event).attributes.extend(_encode_attributes(attributes) or ())
    return request.SerializeToString()


def wait_until(condition, seconds=30):
    """Return as soon as `condition` holds."""
    latest = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < latest, "waited in vain"
        time.sleep(0.05)


def to(receiver, *names):
    """The environment that has the pipelines of these names send to `receiver`."""
    found = {}
    for name in names:
        found[f"{name.upper()}_EXPORTER"] = f"otlp_http/{name}"
        found[f"{name.upper()}_ENDPOINT"] = receiver.endpoint
    return found
