"""All that the doctor wants to know of this process."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from typing import Any

from . import config_file, logs, packages, plugin, requests, sending, tracing


def look() -> dict[str, Any]:
    """Return the facts by their subject; where looking failed, the type of the error is the fact."""
    facts: dict[str, Any] = {"modules": len(sys.modules)}
    for subject, find in _SUBJECTS.items():
        try:
            facts[subject] = find()
        except Exception as error:  # Other people's private names are looked at: they may be gone.
            facts[subject] = {"failed": type(error).__name__}
    return facts


def _process() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "auto": "opentelemetry.instrumentation.auto_instrumentation" in sys.modules,
        "bare": "LANGWATCH_OTEL_DOCTOR_BARE" in os.environ,
    }


_SUBJECTS: dict[str, Callable[[], Any]] = {
    "process": _process,
    "packages": packages.find,
    "variables": packages.variables,
    "logs": logs.told,
    "config_file": config_file.find,
    "plugin": plugin.find,
    "provider": tracing.provider,
    "instrumentors": tracing.instrumentors,
    "propagator": tracing.propagator,
    "limits": tracing.limits,
    "requests": lambda: requests.seen,
    "exports": sending.send,  # Last: it may take seconds.
}
