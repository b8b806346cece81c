"""A real export of no spans, by each OTLP exporter in force: whether its endpoint answers, and what."""

from __future__ import annotations

import os
import socket
import threading
import time
from errno import errorcode
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from . import logs
from .tracing import bare, bare_exporters

SECONDS = 5.0
_OTLP = "opentelemetry.exporter.otlp"
_FAILED = "it failed"


def send() -> list[dict[str, Any]]:
    """Return what came of it, without what the endpoint's URL may hold beside its host."""
    found = bare_exporters()
    if not found and "LANGWATCH_OTEL_DOCTOR_BARE" in os.environ and not os.environ.get("OTEL_CONFIG_FILE"):
        found = _that_setup_makes()
    latest = time.monotonic() + SECONDS
    return [_send(each, latest) for each in found if type(each).__module__.startswith(_OTLP)]


def _that_setup_makes() -> list[Any]:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    from langwatch_otel import destination

    return [bare(each) for each in destination.exporters(destination.choose(None, None), None)]


def _send(exporter: Any, latest: float) -> dict[str, Any]:
    grpc = ".grpc." in type(exporter).__module__
    came: list[str] = []
    thread = threading.Thread(target=_export, args=(exporter, came), daemon=True)
    why = _start(thread, exporter, came)
    sends = thread.ident or threading.get_ident()
    # The exporter tries again for long: its first complaint tells all.
    while not why:
        why = next(filter(None, (_why(record) for record in list(logs.kept) if record.thread == sends)), "")
        if came or time.monotonic() > latest:
            break
        thread.join(0.02)
    return {
        "protocol": "grpc" if grpc else "http/protobuf",
        "endpoint": _shown(str(getattr(exporter, "_endpoint", ""))),
        "answer": why or (came[0] if came else "no answer in time"),
    }


def _start(thread: threading.Thread, exporter: Any, came: list[str]) -> str:
    """Start `thread`; where the program is over, and none starts any more, do its work here, or say why not."""
    try:
        thread.start()
    except RuntimeError:
        why = _connected(str(getattr(exporter, "_endpoint", "")))
        if why != _FAILED:
            return why  # It would try again for longer than anybody waits.
        _export(exporter, came)
    return ""


def _export(exporter: Any, came: list[str]) -> None:
    from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value

    logs.quiet.add(threading.get_ident())
    attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        result = exporter.export(())
    except Exception as error:
        came.append(_innermost(error))
    else:
        came.append("ok" if result.name == "SUCCESS" else _connected(str(getattr(exporter, "_endpoint", ""))))


def _connected(endpoint: str) -> str:
    """Return why nothing can be sent to `endpoint`, for exporters that have no time to say so."""
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=1).close()
    except (OSError, ValueError) as error:
        return type(error).__name__
    return _FAILED


def _why(record: Any) -> str:
    """Return what a complaint says without its texts, which may hold anything."""
    for each in record.args if isinstance(record.args, tuple) else ():
        if isinstance(each, BaseException):
            return _innermost(each)
        if isinstance(each, int) and not isinstance(each, bool) and 100 <= each < 600:
            return f"HTTP {each}"
        if type(each).__name__ == "StatusCode":
            return f"gRPC {each.name}"
        if phrase := next((f"HTTP {status.value}" for status in HTTPStatus if status.phrase == each), ""):
            return phrase
    return ""


def _innermost(error: BaseException) -> str:
    """Return the type of the error at the bottom: that of the socket, and not what a client made of it."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        below = getattr(error, "reason", None) or error.__cause__ or error.__context__
        below = below or next((each for each in error.args if isinstance(each, BaseException)), None)
        if isinstance(below, BaseException):
            error = below
    number = error.errno if type(error) is OSError else None
    return type(error).__name__ + (f" {errorcode.get(number, number)}" if number is not None else "")


def _shown(endpoint: str) -> str:
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.scheme else f"{parts.hostname}{port}"
