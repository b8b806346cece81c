"""Looks around in a process that the doctor has started, and writes what it sees into the doctor's private folder.

It has the standard library only: the application's environment may lack anything, this package included.
"""

from __future__ import annotations

import os
import sys

from . import logs, watching

__all__ = ["begin", "listen"]

_first = ""


def listen(folder: str) -> None:
    """Take note of what is logged, and keep `folder` first on PYTHONPATH in whatever this process turns into."""
    global _first
    _first = folder
    logs.keep()
    sys.addaudithook(_before_exec)


def begin() -> None:
    """Watch this process, and those that it forks or starts, from now on."""
    _put_first()
    watching.begin()


def _before_exec(event: str, _: tuple[object, ...]) -> None:
    # `opentelemetry-instrument` puts its own folder first, and becomes the program.
    if event == "os.exec":
        _put_first()


def _put_first() -> None:
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([_first, *(path for path in paths if path and path != _first)])
