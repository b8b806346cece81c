"""What OpenTelemetry and we log: kept without the texts that could hold secrets."""

from __future__ import annotations

import copy
import logging
from typing import Any

MAX_KEPT = 100

kept: list[logging.LogRecord] = []

quiet: set[int] = set()
"""Threads of the doctor's own, whose complaints are read and not shown: they may hold a URL with a secret in it."""

# It shows headers that it cannot read, credentials among them.
_SECRETS = "opentelemetry.util.re"

# Their arguments are names of entry points and packages.
_PLAIN = ("langwatch_otel", "opentelemetry.instrumentation.auto_instrumentation", "opentelemetry.instrumentation.dep")


def keep() -> None:
    """Keep, from now on, what is logged as a warning or worse; it goes where it would go all the same."""
    make = logging.getLogRecordFactory()

    def make_and_keep(*args: Any, **given: Any) -> logging.LogRecord:
        record = make(*args, **given)
        ours = record.name.startswith(("opentelemetry", "langwatch_otel"))
        if ours and record.levelno >= logging.WARNING and len(kept) < MAX_KEPT:
            kept.append(copy.copy(record))
        _hide_values(record)
        if record.thread in quiet:
            record.msg, record.args, record.exc_info, record.levelno = "", (), None, -1  # Below every handler's level.
        return record

    logging.setLogRecordFactory(make_and_keep)


def _hide_values(record: logging.LogRecord) -> None:
    if record.name == _SECRETS:
        record.args = tuple("what is not shown" for _ in record.args or ())
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and type(error.__cause__).__module__.startswith("jsonschema"):
        error.__cause__ = None  # It shows the whole file; what it is raised to says where and why.


def told() -> list[dict[str, Any]]:
    """Return who said what; of an exception its type alone."""
    return [
        {
            "logger": record.name,
            "level": record.levelname,
            "message": record.getMessage() if record.name.startswith(_PLAIN) else str(record.msg),
            "exception": record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None,
        }
        for record in list(kept)
        if record.thread not in quiet
    ]
