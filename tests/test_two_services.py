"""One conversation across two services: ours in FastAPI, and one in another language with OpenTelemetry's own SDK."""

import importlib.util
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

import langwatch_otel
from _languages import RUNS, installed, missing
from _servers import clean_environment, free_port, post, uvicorn_process, wait_for_port
from langwatch_otel.workbench.receiver import Receiver

pytestmark = pytest.mark.languages

SOURCE = str(Path(langwatch_otel.__file__).parent.parent)
LIBRARIES = [
    name for name in ("httpx", "opentelemetry.instrumentation.httpx") if importlib.util.find_spec(name) is None
]
LANGUAGES = ["node", "go"]
IDS = ('Größe 会話 👩🏽‍💻, a;b=c%25 "d"', "user of שיחה")


@contextmanager
def _other(language, endpoint):
    """The port of the service in another language."""
    port = free_port()
    environment = clean_environment(PORT=str(port), OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    process = subprocess.Popen(RUNS[language]("service"), cwd=installed(language), env=environment)
    try:
        wait_for_port(process, port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module", params=LANGUAGES)
def services(request):
    """The ports of the other service and of ours, and the receiver of both."""
    if lacking := missing(request.param) + LIBRARIES:
        pytest.skip(f"not run: {', '.join(lacking)} not installed")
    with Receiver() as receiver, _other(request.param, receiver.endpoint) as other:
        settings = {"OTHER": f"http://127.0.0.1:{other}/", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
        settings |= {"PYTHONPATH": f"{SOURCE}:tests", "OTEL_BSP_SCHEDULE_DELAY": "50"}
        with uvicorn_process("languages_app:app", **settings) as port:
            yield request.param, other, port, receiver


def _of(receiver, thread, whole):
    """{(service, kind, name): (thread, user)} of the trace that knows `thread`, but for FastAPI's own, once whole."""

    def found(spans):
        traces = {span.trace_id for span in spans if span.attributes.get("session.id") == thread}
        return {
            (span.resource["service.name"], span.kind, span.name): (
                span.attributes.get("session.id"),
                span.attributes.get("user.id"),
            )
            for span in spans
            if span.trace_id in traces and not span.name.startswith("fastapi.")
        }

    return found(receiver.wait_for(lambda spans: len(found(spans)) >= whole, timeout=20))


def _next(port):
    return {"next": f"http://127.0.0.1:{port}/go-on"}


def _others(language):
    return [("other", "INTERNAL", "work"), ("other", "CLIENT", {"node": "POST", "go": "HTTP POST"}[language])]


BACK = [("ours", "SERVER", "POST /go-on"), ("ours", "INTERNAL", "answer")]


def test_what_we_begin_goes_through_the_other_service_and_comes_back(services):
    """A conversation that our service names is on every span of the other one, and of ours that this one calls."""
    language, _, port, receiver = services
    thread, user = IDS
    post(port, "/begin", {"thread": thread, "user": user, **_next(port)})
    ours = [("ours", "SERVER", "POST /begin"), ("ours", "CLIENT", "POST"), *BACK]
    names = [*ours, *_others(language), ("other", "SERVER", "POST")]
    assert _of(receiver, thread, len(names)) == dict.fromkeys(names, IDS)


def test_what_the_other_service_begins_is_on_our_spans(services):
    """A conversation that the other service names is on every span of ours, and `get_conversation()` has it."""
    language, other, port, receiver = services
    ids = (f"{IDS[0]} of the other", IDS[1])
    post(other, "/", {"thread": ids[0], "user": ids[1], **_next(port)})
    names = [*_others(language), *BACK]
    # Its own server span began before it knew, and nobody tells it.
    expected = {**dict.fromkeys(names, ids), ("other", "SERVER", "POST"): (None, None)}
    assert _of(receiver, ids[0], len(expected)) == expected
