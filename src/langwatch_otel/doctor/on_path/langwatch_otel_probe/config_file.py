"""What a file of declarative configuration says, as far as the doctor has an opinion on it."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def find() -> dict[str, Any] | None:
    """Return what is to be known of the file that OTEL_CONFIG_FILE names; None where it names none."""
    path = os.environ.get("OTEL_CONFIG_FILE")
    if not path:
        return None
    read = _read(path)
    facts: dict[str, Any] = {"installed": _is_installed(), "exists": Path(path).is_file(), "parsed": bool(read)}
    traces = read.get("tracer_provider")
    entries = traces.get("processors") if isinstance(traces, dict) else None
    facts["traces"] = isinstance(traces, dict)
    facts["propagator"] = bool(read.get("propagator"))
    facts["version"] = str(read.get("file_format", ""))
    # A name is the file's author's; what is below it may be a secret.
    facts["processors"] = [name for each in entries or () if isinstance(each, dict) for name in each]
    return facts


def settings() -> dict[str, Any]:
    """Return our options in the file."""
    found: Any = _read(os.environ.get("OTEL_CONFIG_FILE", ""))
    for step in ("instrumentation/development", "python", "langwatch"):
        found = found.get(step) if isinstance(found, dict) else None
    return {name: value for name, value in found.items() if name != "enabled"} if isinstance(found, dict) else {}


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.configuration") is not None
    except ImportError:
        return False


@cache
def _read(path: str) -> dict[str, Any]:
    try:
        found = import_module("yaml").safe_load(Path(path).read_text(encoding="utf-8"))
    except Exception:  # Not there, or no YAML: the facts say which.
        return {}
    return found if isinstance(found, dict) else {}
