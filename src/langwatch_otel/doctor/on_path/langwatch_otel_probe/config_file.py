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
    facts["disabled"] = read.get("disabled") is True
    facts["misplaced"] = _has_us(read)
    # A name is the file's author's; what is below it may be a secret.
    facts["processors"] = [name for each in entries or () if isinstance(each, dict) for name in each]
    return facts


def settings() -> dict[str, Any]:
    """Return our options in the file."""
    found: Any = _read(os.environ.get("OTEL_CONFIG_FILE", ""))
    for step in ("instrumentation/development", "python", "langwatch"):
        found = found.get(step) if isinstance(found, dict) else None
    return {name: value for name, value in found.items() if name != "enabled"} if isinstance(found, dict) else {}


def _has_us(found: Any, *above: str) -> bool:
    """Say whether `langwatch` is a key anywhere but where it is read; among processors it is told of otherwise."""
    if not isinstance(found, dict) or above == ("instrumentation/development", "python"):
        return False
    return isinstance(found.get("langwatch"), dict) or any(_has_us(each, *above, name) for name, each in found.items())


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.configuration") is not None
    except ImportError:
        return False


@cache
def _read(path: str) -> dict[str, Any]:
    try:
        found = _parsed(Path(path))
    except Exception:  # Not there, or no YAML: the facts say which.
        return {}
    return found if isinstance(found, dict) else {}


def _parsed(path: Path) -> Any:
    """Return what OpenTelemetry reads there: `${NAME}` is what the environment has."""
    text = path.read_text(encoding="utf-8")
    try:
        parse = import_module("opentelemetry.configuration.file._loader")._parse_config_content
    except (ImportError, AttributeError):  # A private name: then as it is written.
        return import_module("yaml").safe_load(text)
    return parse(text, path.suffix.lower(), path)
