"""Sends what is still queued when a process of a Celery worker ends.

A child of the prefork pool leaves by `os._exit`, so `atexit` never runs and all spans since the last export would be
lost. Other pools run in the worker's own process, which ends as every Python program does.
"""

from typing import Any

from langwatch_otel._guard import guarded

from . import flushing
from .flushing import LIMIT_MILLIS, Flush
from .wrapping import ImportHook, installed

_on = False


def flush_at_worker_end(flush: Flush, timeout_millis: int = LIMIT_MILLIS) -> None:
    """Call `flush(timeout_millis)` when a process of a Celery worker ends, and wait for it that long at most."""
    global _on
    flushing.add(flush, timeout_millis)
    _on = True
    if installed("celery"):
        _signals.on()


def flush_off() -> None:
    """Leave Celery's signal as it was."""
    global _on
    _on = False
    flushing.clear()
    with guarded("letting go of Celery"):
        for signal in _connected:
            signal.disconnect(_flush)
        _connected.clear()


_connected: list[Any] = []


def _connect(signals: Any) -> None:
    if _on and not _connected:
        signals.worker_process_shutdown.connect(_flush)
        _connected.append(signals.worker_process_shutdown)


def _flush(**_: Any) -> None:
    flushing.flush_all()


_signals = ImportHook("celery.signals", _connect)
