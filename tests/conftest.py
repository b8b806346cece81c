"""What tests of tracing share: a provider of their own, and what it exported."""

import importlib.util
import logging
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import langwatch_otel as langwatch
from _servers import ROOT, clean_environment
from _wire import server
from langwatch_otel import _guard
from langwatch_otel.cli.app_server import AppServer


class Traced:
    """A provider with our processor, the exporter behind it, and the span processor between them."""

    def __init__(self, backfill, **options):
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        self.provider.add_span_processor(langwatch.ConversationSpanProcessor())
        wrapped = langwatch.ConversationSpanExporter(self.exporter) if backfill else self.exporter
        # Exports when it is told to, so that a test says when a batch ends.
        self.batch = BatchSpanProcessor(wrapped, schedule_delay_millis=600_000)
        self.provider.add_span_processor(self.batch)
        self.tracer = self.provider.get_tracer("the application")

    def span(self, name, **options):
        """A span of the application's own, current for a block."""
        return self.tracer.start_as_current_span(name, **options)

    def trace(self, **given):
        """`langwatch.trace` on this provider."""
        return langwatch.trace(tracer_provider=self.provider, **given)

    def app(self):
        """A FastAPI application that makes its own spans with this provider."""
        if importlib.util.find_spec("fastapi.telemetry") is None:
            pytest.skip("not run: this FastAPI makes no spans of its own")
        return FastAPI(telemetry={"tracer_provider": self.provider, "metrics": False}, openapi_url=None)

    @contextmanager
    def served(self, app):
        """The port of a real uvicorn that serves `app`."""
        with AppServer(app) as server:
            yield server.port

    def spans(self):
        """{name: attributes} of all spans that ended; two of one name are a mistake of the test."""
        self.provider.force_flush()
        finished = self.exporter.get_finished_spans()
        found = {span.name: dict(span.attributes) for span in finished}
        assert len(found) == len(finished)
        return found

    def threads(self):
        """{name: thread} of all spans that ended."""
        return {name: attributes.get("session.id") for name, attributes in self.spans().items()}


@pytest.fixture
def said(monkeypatch, caplog):
    """What our logger says during the test, as if nothing had been said in this process before."""
    monkeypatch.setattr(_guard, "_said", set())
    caplog.set_level(logging.INFO, "langwatch_otel")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "langwatch_otel"]


@pytest.fixture
def make_traced(said, caplog):
    """Makes providers as `traced` does, and checks that none of our mistakes was swallowed."""
    made = []

    def make(backfill=True, **options):
        made.append(Traced(backfill, **options))
        return made[-1]

    # What a test attaches to the context outside of any span would be there in the next test.
    token = attach(Context())
    yield make
    detach(token)
    for each in made:
        each.provider.shutdown()
    # In a fixture's end, the log's own list has only what was said there.
    reasons = [record.getMessage() for record in caplog.get_records("call")] + said()
    ours = [reason for reason in reasons if "langwatch_otel failed while" in reason]
    assert [reason for reason in ours if "taking a field" not in reason] == []  # That is the test's own callable.


@pytest.fixture
def traced(make_traced):
    """A provider whose exporter names at export."""
    return make_traced()


@pytest.fixture
def traced_without_backfill(make_traced):
    """A provider as users have it: no wrapper around its exporter."""
    return make_traced(backfill=False)


@pytest.fixture(scope="module")
def noted():
    """One server for every host of a module's tests: its port, and what came."""
    with server() as found:
        yield found


@pytest.fixture
def everywhere(monkeypatch):
    """Every host name leads to loopback, so that the name in the span and on the wire is the strange one."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args, **kwargs: real("127.0.0.1", *args, **kwargs))
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel of this source."""
    folder = tmp_path_factory.mktemp("wheel")
    # An environment that uv made has no pip.
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder]
    build = ["uv", "build", "-q", "--wheel", "-o", folder] if shutil.which("uv") else pip
    subprocess.run([*build, ROOT], check=True, env=clean_environment(PYTHONPATH=""))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def environments(wheel, tmp_path_factory):
    """Makes a virtual environment with the wheel and `packages`, once for each choice; returns its `bin`."""
    made = {}

    def environment(*packages):
        if packages not in made:
            folder = tmp_path_factory.mktemp("environment")
            python = folder / "bin" / "python"
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [python, "-m", "pip", "install"]
            install = ["uv", "pip", "install", "--python", python] if shutil.which("uv") else pip
            subprocess.run([*install, "-q", wheel, *packages], check=True, env=clean_environment(PYTHONPATH=""))
            made[packages] = folder / "bin"
        return made[packages]

    return environment
