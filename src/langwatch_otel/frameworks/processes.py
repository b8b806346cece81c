"""Sends what is still queued when a child process of `multiprocessing` ends.

One that was forked leaves by `os._exit`, so `atexit` never runs and all spans since the last export would be lost.
"""

from typing import Any

from . import flushing
from .flushing import LIMIT_MILLIS, Flush
from .wrapping import ImportHook

# After everything that the application has asked to happen at the end, and after the child's own children.
_LAST = -1_000


class _Hook:
    """What `multiprocessing` has in its registry for as long as it lives."""

    def run(self, util: Any) -> None:
        util.Finalize(None, flushing.flush_all, exitpriority=_LAST)


_hook: _Hook | None = None


def flush_at_child_end(flush: Flush, timeout_millis: int = LIMIT_MILLIS) -> None:
    """Call `flush(timeout_millis)` when a child process ends by itself, and wait for it that long at most."""
    global _hook
    flushing.add(flush, timeout_millis)
    if _hook is None:
        _hook = _Hook()
        _util.on()


def flush_off() -> None:
    """Leave child processes as they are."""
    global _hook
    _hook = None
    flushing.clear()


def _register(util: Any) -> None:
    if _hook is not None:
        util.register_after_fork(_hook, lambda hook: hook.run(util))


_util = ImportHook("multiprocessing.util", _register)
