"""Real servers on free ports of 127.0.0.1, each in a process of its own, ended with the block."""

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

from _servers import clean_environment

START_SECONDS = 120
STOP_SECONDS = 20

# To 127.0.0.1 no proxy is asked, whatever the environment says.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def running(command, folder, ready, **environment):
    """Run `command` in `folder` until the block ends; the block begins once `ready` answers."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=clean_environment(**environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, ready)
            yield process
        except BaseException:
            output.seek(0)
            print(output.read().decode(errors="replace")[-6000:])
            raise
        finally:
            _end(process)


def _wait(process, ready):
    latest = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < latest:
        if ready():
            return
        time.sleep(0.05)
    raise AssertionError(f"{process.args[0]} did not start")


def _end(process):
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"{process.args[0]} did not end by itself")
    # What it started is in its group, and may have outlived it.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(url):
    """Return a function that says whether `url` answers with 200."""

    def ready():
        try:
            with _OPENER.open(url, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    return ready


def fetch(url, body=None, headers=None):
    """Return (status, body) of the answer to a request with `body`, as JSON unless it is bytes."""
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, raw, {"Content-Type": "application/json", **(headers or {})})
    try:
        with _OPENER.open(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def ask(url, body=None, headers=None):
    """Return the JSON that a request is answered with."""
    status, answer = fetch(url, body, headers)
    assert status == 200, (url, status, answer[:500])
    return json.loads(answer)


def until(found, wanted, seconds=60):
    """Call `found` until `wanted` holds of what it returns, or the time is over; return the last."""
    latest = time.monotonic() + seconds
    while True:
        last = found()
        if wanted(last) or time.monotonic() > latest:
            return last
        time.sleep(0.3)


@contextmanager
def scratch():
    """A folder for what a server writes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
