"""Starts a command with the probe inside, waits until there is something to see, has it look, and stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .finding import Facts

# How long an application must load nothing more to be taken for loaded.
QUIET_SECONDS = 0.5
REPORT_SECONDS = 8.0  # An endpoint that does not answer takes most of it.
SILENT_SECONDS = 3.0  # A Python in which the probe is tells of itself at once.
STOP_SECONDS = 8.0

_PROBE = Path(__file__).parent / "on_path"

# What stands for an application where none is named: it says that it is there, and waits.
_NOTHING = "import os, time; open(os.environ['LANGWATCH_OTEL_DOCTOR'] + '/ready', 'w').close(); time.sleep(60)"

Tell = Callable[[str], None]


def look_into(command: Sequence[str], seconds: float, tell: Tell) -> Facts:
    """Return what the probe saw in `command`, or where there is none in a process that does nothing.

    A line on standard input says to look at once. Raises OSError where the command cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="langwatch-otel-doctor-", ignore_cleanup_errors=True) as folder:
        running = _Running(command, Path(folder))
        try:
            running.wait(time.monotonic() + seconds, tell)
            status = running.process.poll()
            tell("looking")
            return {**running.report(), "command": {"status": status}}
        finally:
            tell("stopping")
            running.stop()


def _environment(folder: Path, *, bare: bool) -> dict[str, str]:
    paths = [str(_PROBE), *(_automatic() if bare else []), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "LANGWATCH_OTEL_DOCTOR": str(folder)}
    return {**environment, "LANGWATCH_OTEL_DOCTOR_BARE": "1"} if bare else environment


def _automatic() -> list[str]:
    """Return the folder by which `opentelemetry-instrument` starts OpenTelemetry, where that can be started so."""
    if not entry_points(group="opentelemetry_distro") and not entry_points(group="opentelemetry_configurator"):
        return []
    try:
        found = find_spec("opentelemetry.instrumentation.auto_instrumentation")
    except ImportError:
        return []
    return list(found.submodule_search_locations or ()) if found is not None else []


class _Running:
    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._folder = folder
        # What it writes is not our result; and a signal to us is not one to it: we stop it ourselves.
        self.process = subprocess.Popen(  # noqa: S603
            list(command) or [sys.executable, "-c", _NOTHING],
            env=_environment(folder, bare=not command),
            stdin=subprocess.DEVNULL,
            stdout=2,
            start_new_session=True,
        )

    def wait(self, latest: float, tell: Tell) -> None:
        """Return when the application is ready, and had its requests where those matter; or at `latest`."""
        said = _line()
        before: list[dict[str, Any]] = []
        since = time.monotonic()
        while time.monotonic() < latest and not said.is_set() and self.process.poll() is None:
            now = self._read("state")
            if now != before:
                before, since = now, time.monotonic()
            if (self._folder / "ready").exists():
                return
            quiet = time.monotonic() - since > QUIET_SECONDS
            places = sorted({place for state in now for place in state["listens"]})
            wants = any(state["wants_requests"] for state in now) and not any(state["requests"] for state in now)
            if places and quiet and not wants:
                return
            tell(
                f"{', '.join(places)}: send a request, or press Enter"
                if places and quiet
                else "waiting for the command to listen; Enter looks at once"
            )
            time.sleep(0.05)

    def report(self) -> dict[str, Any]:
        """Return what was seen in the process that did most of the work; nothing where none could be looked into."""
        (self._folder / "look").touch()
        began = time.monotonic()
        while self.process.poll() is None and (waited := time.monotonic() - began) < REPORT_SECONDS:
            reports, processes = len(self._read("report")), len(self._read("state"))
            if (reports and reports >= processes) or (not processes and waited > SILENT_SECONDS):
                break
            time.sleep(0.05)
        found = self._read("report")
        return max(found, key=lambda each: (each["requests"].get("requests", 0), each["modules"]), default={})

    def stop(self) -> None:
        """Stop the command and all that it started, gently first."""
        for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            try:
                if hasattr(os, "killpg"):
                    os.killpg(self.process.pid, number)
                else:
                    self.process.terminate()
                self.process.wait(STOP_SECONDS)
            except (OSError, subprocess.TimeoutExpired):
                continue

    def _read(self, kind: str) -> list[dict[str, Any]]:
        found = []
        for path in sorted(self._folder.glob(f"{kind}-*.json")):
            try:
                found.append(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError):  # It is just being replaced.
                continue
        return found


def _line() -> threading.Event:
    """Return what is set when a line comes on standard input; its end says nothing."""
    came = threading.Event()

    def read() -> None:
        try:
            if sys.stdin is not None and sys.stdin.readline():
                came.set()
        except (OSError, ValueError):
            return

    threading.Thread(target=read, daemon=True).start()
    return came
