"""Locks that a fork leaves free."""

from __future__ import annotations

import os
from typing import Any, TypeVar

L = TypeVar("L")


def free_after_fork(lock: L) -> L:
    """Return `lock`, which lives as long as the process; in a forked child nobody holds it.

    The thread that holds it in the parent is not there in the child, and would never let go.
    """
    renew: Any = getattr(lock, "_at_fork_reinit", None)  # What the standard library does with its own.
    if renew is not None and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)
    return lock
