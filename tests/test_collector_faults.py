"""The Collector with collector-config.yaml, killed or without its backend, and an application that goes on."""

import signal
import time
from contextlib import contextmanager

import pytest

from _collector import BASE, Collector, needs_collector, to, wait_until
from _collector_application import LONGEST_TURN, Application
from _servers import free_port
from langwatch_otel.workbench.receiver import Receiver

pytestmark = needs_collector


@contextmanager
def away(receiver):
    """Nobody listens where the receiver was; it is back after the block."""
    receiver.stop()
    yield
    receiver.start()


def came(receiver, expected, quiet=45):
    """How many spans have come, when all have, or nothing has for longer than the Collector waits between tries."""
    changed, before = time.monotonic(), 0
    while (count := len({one.span_id for one in receiver.spans})) < expected:
        if count != before:
            before, changed = count, time.monotonic()
        if time.monotonic() - changed > quiet:
            break
        time.sleep(0.1)
    return count


WITHOUT_STORAGE = """
exporters:
  otlp_http/full:
    sending_queue:
      storage:
"""

WITH_A_BATCH_PROCESSOR = """
processors:
  batch: {timeout: 5s, send_batch_size: 100000}
service:
  pipelines:
    traces/full:
      processors: [batch]
"""


@pytest.mark.parametrize(
    ("more", "loses"),
    [((), False), ((WITHOUT_STORAGE,), True), ((WITH_A_BATCH_PROCESSOR,), True)],
    ids=["as it is", "without storage", "with a batch processor"],
)
def test_a_collector_that_is_killed_has_lost_what_was_not_on_disk(tmp_path, more, loses):
    """Killed in the middle of a run with its queue full and started again, it delivers every span that was on disk."""
    with Receiver(free_port()) as receiver, Collector(tmp_path, BASE, *more, **to(receiver, "full")) as collector:
        with away(receiver):
            application = Application(4, collector.endpoint)
            wait_until(lambda: collector.counted("receiver_accepted_spans", "transport").get("http", 0) > 50)
            collector.end(signal.SIGKILL)
            collector.start()
            result, _ = application.result()
        # Away for some seconds, the backend is tried again within seconds.
        found = came(receiver, result["spans"], quiet=8 if loses else 45)
    print(f"sent {result['spans']}, arrived {found}, longest turn {result['longest']:.3f} s")
    assert (found < result["spans"], result["longest"] < LONGEST_TURN) == (loses, True)


def test_a_backend_that_is_down_for_30_seconds_loses_nothing_and_nobody_waits(tmp_path):
    """While it is away the application goes on as ever; when it is back every span is delivered."""
    with Receiver(free_port()) as receiver, Collector(tmp_path, **to(receiver, "full")) as collector:
        application = Application(32, collector.endpoint)
        receiver.wait_for(lambda spans: len(spans) > 10)
        with away(receiver):
            time.sleep(30)
        result, logged = application.result()
        found = came(receiver, result["spans"])
    assert (found, result["longest"] < LONGEST_TURN, logged) == (result["spans"], True, "")
