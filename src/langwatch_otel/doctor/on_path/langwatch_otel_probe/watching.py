"""A thread that tells the doctor how far the process is, and looks around when the doctor says so."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import requests
from .looking import look

INTERVAL = 0.05
MAX_FILES = 256


def begin() -> None:
    """Watch from now on, in what this process forks as well."""
    folder = Path(os.environ["LANGWATCH_OTEL_DOCTOR"])  # Others may not look into it.
    _start(folder)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _start(folder))


def _start(folder: Path) -> None:
    # Not a daemon: a program that ends by itself is looked at when its main thread is over, before the exporters stop.
    threading.Thread(target=_watch, args=(folder,), name="langwatch-otel-doctor").start()


def _watch(folder: Path) -> None:
    before: dict[str, Any] = {}
    try:
        while threading.main_thread().is_alive() and not (folder / "look").exists():
            now = _state()
            if now != before:
                write(folder, "state", now)
                before = now
            time.sleep(INTERVAL)
        write(folder, "report", look())
    except OSError:  # The doctor has gone, and its folder.
        pass


def _state() -> dict[str, Any]:
    found: dict[str, Any] = {"modules": len(sys.modules), "listens": _listens()}
    try:
        requests.count()
        return {**found, "requests": requests.seen["requests"], "wants_requests": requests.are_wanted()}
    except Exception:  # What is looked at is just being imported, or is of another version.
        return {**found, "requests": 0, "wants_requests": False}


def write(folder: Path, kind: str, content: dict[str, Any]) -> None:
    """Put `content` into a file of this process, whole or not at all."""
    path = folder / f"{kind}-{os.getpid()}.json"
    path.with_suffix(".tmp").write_text(json.dumps(content), encoding="utf-8")
    path.with_suffix(".tmp").replace(path)


def _listens() -> list[str]:
    """Return the addresses that this process takes connections at, however it came to its sockets."""
    if not hasattr(socket, "SO_ACCEPTCONN") or os.name == "nt":
        return []
    found = []
    for number in range(3, MAX_FILES):
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as each:
                if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    name = each.getsockname()
                    found.append(f"{name[0]}:{name[1]}" if isinstance(name, tuple) else str(name))
        except OSError:
            continue
    return found
