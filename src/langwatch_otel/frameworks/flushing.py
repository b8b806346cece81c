"""Which providers are flushed when a server or a worker process ends, and for how long that may take."""

import threading
import time
from collections.abc import Callable

from langwatch_otel._guard import guarded

Flush = Callable[[int], object]

# Half of what `docker stop` waits before SIGKILL: the rest is for the application's own shutdown.
LIMIT_MILLIS = 5_000

_flushes: dict[Flush, int] = {}
_late: list[threading.Thread] = []


def add(flush: Flush, timeout_millis: int = LIMIT_MILLIS) -> None:
    """Have `flush(timeout_millis)` called at the end, and waited for that long at most; twice is once."""
    _flushes[flush] = timeout_millis


def clear() -> None:
    """Forget what `add` was given."""
    _flushes.clear()


def needed() -> bool:
    """Say whether there is something to flush: what has outlived its wait is not waited for again."""
    return bool(_flushes) and not any(thread.is_alive() for thread in _late)


def flush_all() -> None:
    """Call each of them, all at once, and wait no longer than their limit; never raises."""
    if not needed():
        return
    # Threads of our own, because event loops join theirs without a limit.
    threads = [
        threading.Thread(target=_flush_one, args=each, name="langwatch_otel.flush", daemon=True)
        for each in _flushes.items()
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + max(_flushes.values()) / 1000
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    _late[:] = [thread for thread in threads if thread.is_alive()]


def _flush_one(flush: Flush, timeout_millis: int) -> None:
    with guarded("flushing"):
        flush(timeout_millis)
