"""Locks that another thread holds when a process forks."""

import subprocess
import sys

from _servers import clean_environment

PROGRAM = """
import os
import signal
import threading
import warnings

import langwatch_otel as langwatch
from langwatch_otel import decorators, scope
from langwatch_otel.frameworks import fastapi, lifespan

warnings.simplefilter("ignore", DeprecationWarning)  # Of fork with threads: what servers do.
block = langwatch.trace(thread_id="t")
held, over = threading.Event(), threading.Event()

def hold():
    with scope.lock, decorators._lock, fastapi._lock, lifespan._application._lock:
        held.set()
        over.wait()

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(5)
    with block:
        langwatch.set_conversation(metadata={"a": 1})
    fastapi.spans_off()
    lifespan.flush_off()
    os._exit(0)
print(os.waitpid(child, 0)[1])
over.set()
"""


def test_a_child_waits_for_no_thread_of_its_parent():
    """What another thread of the parent was in the middle of keeps a forked child from nothing."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    run = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=30)
    assert (run.stdout, run.stderr) == ("0\n", "")
