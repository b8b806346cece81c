"""Processes that fork lose no span, send none twice, and keep their ids apart."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import langwatch_otel
from _servers import ROOT, clean_environment, free_port, post, wait_for_port
from langwatch_otel.workbench.receiver import Receiver

SOURCE = str(Path(langwatch_otel.__file__).parent.parent)
MISSING = [name for name in ("gunicorn", "uvicorn_worker") if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.fork
with_gunicorn = pytest.mark.skipif(bool(MISSING), reason=f"not run: {', '.join(MISSING)} not installed")

WORKERS = 4


@contextmanager
def _gunicorn(*arguments):
    """A gunicorn with uvicorn's workers, and what it exported when it has ended as a supervisor ends it."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "fork_app:app", "-k", "uvicorn_worker.UvicornWorker"]
    bind = ["-w", str(WORKERS), "-b", f"127.0.0.1:{port}", "--log-level", "warning", "--backlog", "512"]
    with Receiver() as receiver:
        process = subprocess.Popen([*command, *bind, *arguments], cwd=ROOT, env=_environment(receiver))
        try:
            wait_for_port(process, port)
            yield process, port, receiver
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()


def _environment(receiver):
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    return clean_environment(PYTHONPATH=f"{SOURCE}:tests", **settings)


def _ask(port, path, thread):
    status, _, answer = post(port, path, {"thread_id": thread, "user_id": f"user of {thread}"})
    assert status == 200
    return json.loads(answer)


def _ask_until_answered(port, path, thread):
    """Ask again what a server that ends has reset: uvicorn closes a connection whose request it has not read.

    Had the application seen that request, its spans would be there twice.
    """
    while True:
        try:
            return _ask(port, path, thread)
        except (ConnectionResetError, BrokenPipeError):
            continue


def _found(spans):
    """{(name, thread, user): how often}, but for FastAPI's own; each span once."""
    ids = Counter(span.span_id for span in spans)
    assert [span_id for span_id, count in ids.items() if count > 1] == []
    return Counter(
        (span.name, span.attributes.get("session.id"), span.attributes.get("user.id"))
        for span in spans
        if not span.name.startswith("fastapi.")
    )


def _expected(names, threads):
    return Counter((name, thread, f"user of {thread}") for thread in threads for name in names)


@with_gunicorn
@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["", "--preload"])
def test_gunicorns_workers_send_every_span_once(preload):
    """Of 200 requests to four workers every span arrives, once, with the ids of its request, however they fork."""
    threads = [f"thread {number}" for number in range(200)]
    with _gunicorn(*preload) as (_, port, receiver), ThreadPoolExecutor(16) as pool:
        pids = set(pool.map(lambda thread: _ask(port, "/ask", thread), threads))
    assert (len(pids) > 1, _found(receiver.spans)) == (True, _expected(["POST /ask", "before", "after"], threads))


@with_gunicorn
def test_a_reload_in_the_middle_loses_nothing():
    """Workers that are replaced while requests come in send what they have, and the new ones go on."""
    threads = [f"thread {number}" for number in range(200)]
    with _gunicorn() as (process, port, receiver), ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda thread: _ask_until_answered(port, "/thread", thread), threads)
        first = {next(answers) for _ in range(50)}
        process.send_signal(signal.SIGHUP)
        rest = set(answers)
        end = time.monotonic() + 20
        while rest <= first:
            rest.add(_ask_until_answered(port, "/thread", threads[0]))
            threads.append(threads[0])
            assert time.monotonic() < end
    assert _found(receiver.spans) == _expected(["POST /thread", "after"], threads)


@with_gunicorn
def test_a_fork_in_the_middle_of_a_request():
    """A child that a request forks has the ids of the request, and its own; each process sends its own spans."""
    threads = [f"thread {number}" for number in range(40)]
    with _gunicorn() as (_, port, receiver), ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda thread: _ask(port, "/fork", thread), threads)) == {0}
    expected = _expected(["POST /fork", "in the child"], threads)
    assert _found(receiver.spans) == expected + Counter({("of its own", "child", "user of child"): 40})


# {how: what the program prints}
KINDS = {
    ("process", "4", "fork"): [0, 0, 0, 0],
    ("process", "2", "spawn"): [0, 0],
    ("pool", "8", "fork"): list(range(8)),
    ("bare", "60", "fork"): [0] * 60,
}


@pytest.mark.parametrize("how", KINDS, ids=" ".join)
def test_children_send_every_span_once(how):
    """Children of `multiprocessing` and of `os.fork` end, whatever other threads held, and lose no span of theirs."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "tests/fork_children.py", *how]
    with Receiver() as receiver:
        run = subprocess.run(command, cwd=ROOT, env=_environment(receiver), capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == (f"{KINDS[how]}\n", "")
    kind, count, method = how
    found = _found(receiver.spans)
    for key in [key for key in found if key[1] in ("busy", "shared") and key[0] != "inherited"]:
        del found[key]
    above = {"bare": "shared"}.get(kind, "parent" if method == "fork" else None)
    expected = Counter({("before", None, None): 1, ("parent", "parent", "user of parent"): 1})
    expected["inherited", above, above and f"user of {above}"] = int(count)
    expected += _expected(["own"], [f"child {number}" for number in range(int(count))])
    assert found == expected
