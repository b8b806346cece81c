"""Conversations go through a queue with a real broker, and no span is lost when a worker ends."""

import importlib.util
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import langwatch_otel
from _servers import ROOT, clean_environment, free_port, post, uvicorn_process
from langwatch_otel.workbench.receiver import Receiver

SOURCE = str(Path(langwatch_otel.__file__).parent.parent)  # What is tested here is what runs there.

MISSING = [name for name in ("celery", "redis") if importlib.util.find_spec(name) is None]
MISSING += [] if importlib.util.find_spec("opentelemetry.instrumentation.celery") else ["its instrumentation"]
MISSING += [] if shutil.which("redis-server") else ["redis-server"]

pytestmark = [
    pytest.mark.queues,
    pytest.mark.skipif(bool(MISSING), reason=f"not run: {', '.join(MISSING)} not installed"),
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """The address of a Redis of our own."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path_factory.mktemp("redis"))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close(), OSError)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _wait(attempt, error):
    end = time.monotonic() + 30
    while True:
        try:
            return attempt()
        except error:
            assert time.monotonic() < end
            time.sleep(0.05)


@contextmanager
def _worker(environment, *arguments):
    """A Celery worker that answers; ended as a supervisor does."""
    command = [sys.executable, "-m", "celery", "-A", "queue_app", "worker", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [*command, "--loglevel", "WARNING", *arguments], cwd=ROOT, env=clean_environment(**environment)
    )
    try:
        yield process
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert time.monotonic() - begin < 9  # An exporter tries for ten.
    finally:
        process.kill()
        process.wait()


@contextmanager
def _services(broker, *arguments, **environment):
    """A function that asks the web service; the receiver that both services export to, as they end if not before."""
    with Receiver() as receiver:
        environment = {
            "PYTHONPATH": f"{SOURCE}:tests",
            "BROKER": broker,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            **environment,
        }
        web = {**environment, "WHERE": "the web service"}
        with _worker(environment, *arguments), uvicorn_process("queue_app:web", **web) as port:

            def ask(path="/ask", **body):
                status, _, answer = post(port, path, body)
                assert status == 200, answer
                return json.loads(answer)

            yield ask, receiver


def _of(spans, thread):
    """{(name, kind): how often} of the spans of one thread, but for FastAPI's own; each must have its user."""
    found = [span for span in spans if span.attributes.get("session.id") == thread]
    assert {span.attributes.get("user.id") for span in found} == {f"user of {thread}"}
    return Counter((span.name, span.kind) for span in found if not span.name.startswith("fastapi."))


def _sent(task):
    return f"apply_async/queue_app.{task}", "PRODUCER"


def _done(task):
    return f"run/queue_app.{task}", "CONSUMER"


REQUEST = ("POST /ask", "SERVER")
WORK = (("work", "INTERNAL"), ("look up", "INTERNAL"))
ONE = Counter([REQUEST, _sent("answer"), _done("answer"), *WORK])


@pytest.mark.parametrize("turned_on", ["setup()", "instrument()"])
@pytest.mark.parametrize("where", ["before the fork", "in each child"])
def test_a_workers_spans_have_the_ids_that_the_request_named(broker, turned_on, where):
    """Of 40 conversations at once, every span in the worker has its own thread and user, and arrives once."""
    threads = [f"thread {number}" for number in range(40)]
    with _services(broker, "-c", "2", TURN_ON=turned_on, WHERE=where) as (ask, receiver):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda t: ask(kind="one", thread_id=t, user_id=f"user of {t}"), threads))
        nobody = ask("/nobody")
    assert (answers, nobody) == ([[0, thread, thread] for thread in threads], [0, None, None])
    assert {thread: _of(receiver.spans, thread) for thread in threads} == dict.fromkeys(threads, ONE)
    unnamed = Counter(span.name for span in receiver.spans if not span.attributes.get("session.id"))
    assert (unnamed["run/queue_app.answer"], unnamed["work"]) == (1, 1)  # They belong to nobody.


TWO_ANSWERS = [REQUEST, *[_sent("answer"), _done("answer"), *WORK] * 2]
WAYS = {
    "chain": TWO_ANSWERS,
    "chord": [*TWO_ANSWERS, _sent("total"), _done("total")],
    "retry": [REQUEST, *[_sent("fragile"), _done("fragile")] * 2],
}


def test_what_follows_a_task_has_its_ids(broker):
    """The next of a chain, the end of a chord and a second try are of the same conversation."""
    with _services(broker, "-c", "1") as (ask, receiver):
        for kind in [*WAYS, "own"]:
            ask(kind=kind, thread_id=kind, user_id=f"user of {kind}")
    assert {kind: _of(receiver.spans, kind) for kind in WAYS} == {kind: Counter(way) for kind, way in WAYS.items()}
    named = {span.name: span.attributes["session.id"] for span in receiver.spans if "of_its_own" in span.name}
    # What the task says replaces what came in with it, and goes no way back.
    assert named == {"apply_async/queue_app.of_its_own": "own", "run/queue_app.of_its_own": "its own"}


@pytest.mark.parametrize(
    "pool", [("-c", "1", "--max-tasks-per-child", "1"), ("-P", "solo"), ("-P", "threads", "-c", "4")], ids=" ".join
)
def test_no_span_is_lost_whatever_the_pool(broker, pool):
    """Children that end after one task, and pools without children, lose no span."""
    threads = [f"thread {number}" for number in range(3)]
    with _services(broker, *pool) as (ask, receiver):
        for thread in threads:
            ask(kind="one", thread_id=thread, user_id=f"user of {thread}")
    assert {thread: _of(receiver.spans, thread) for thread in threads} == dict.fromkeys(threads, ONE)


def test_a_dead_endpoint_delays_the_end_by_the_limit_at_most(broker):
    """An endpoint that never answers cannot keep a worker from ending."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with _services(broker, "-c", "1", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as (ask, _):
            assert ask("/nobody") == [0, None, None]


PROGRAM = """
import sys
from opentelemetry.sdk.trace import TracerProvider
from langwatch_otel import LangWatchInstrumentor

{before}
for _ in range(100):
    LangWatchInstrumentor().instrument(tracer_provider=TracerProvider(){settings})
    LangWatchInstrumentor().uninstrument()
{last}
early = "celery" in sys.modules
from celery.signals import worker_process_shutdown
print("imported early:", early, "receivers:", len(worker_process_shutdown.receivers))
"""
ON = "LangWatchInstrumentor().instrument(tracer_provider=TracerProvider(){settings})"
IMPORT = "import celery.signals"
NO_FLUSH = ", flush_on_shutdown=False"


@pytest.mark.parametrize(
    ("before", "settings", "last", "printed"),
    [
        ("", "", ON, "imported early: False receivers: 1"),
        ("", "", "", "imported early: False receivers: 0"),
        ("", NO_FLUSH, ON, "imported early: False receivers: 0"),
        (IMPORT, "", ON, "imported early: True receivers: 1"),
        (IMPORT, "", "", "imported early: True receivers: 0"),
    ],
)
def test_on_and_off_leave_celery_as_it_was(before, settings, last, printed):
    """Celery is not imported for us, its signal has one receiver of ours while we are on, and none after."""
    program = PROGRAM.format(before=before, settings=settings, last=last.format(settings=settings))
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=ROOT, env=clean_environment(PYTHONPATH=SOURCE), capture_output=True, text=True)
    assert (run.stdout.strip(), run.stderr) == (printed, "")
