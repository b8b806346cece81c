"""What our own spans record of an error: its type, and its text where texts are recorded."""

from __future__ import annotations

import traceback

from opentelemetry.trace import Span, Status, StatusCode

from . import config
from .attributes import EXCEPTION_ESCAPED, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE
from .capture import MAX_BYTES, cut_text
from .privacy import utf8
from .protection import guard_of, note_error
from .texts import WithheldError

# Of a stack that its text is asked for: the calls nearest to the error, of each error in the chain.
MAX_FRAMES = 50


def record_error(span: Span, error: BaseException, *, exception: bool = True, status: bool = True) -> None:
    """Record `error` on `span` with status ERROR, unless it is how a call ends when nothing is wrong."""
    if not is_failure(error):
        return
    if status:
        set_description(span, StatusCode.ERROR, _text(error))
    if exception:
        record_exception(span, error)


def is_failure(error: BaseException) -> bool:
    """Say whether `error` is one: cancellation, a closed generator and HTTP answers below 500 are not."""
    if not isinstance(error, Exception):
        return False
    status = getattr(error, "status_code", None)
    # A server's own answer has a detail; what a client library raises, for a 429 say, has not.
    return not (isinstance(status, int) and 100 <= status < 500 and hasattr(error, "detail"))


def described(span: Span, text: str | None) -> str | None:
    """Return what a description of a status may be of `text`; None where it must not be written."""
    if text is None or config.active().capture_content is False:
        return None
    guard = guard_of(span)
    try:
        return text if guard is None else cut_text(guard.prose(text, MAX_BYTES))
    except WithheldError:
        return None


def set_description(span: Span, code: StatusCode, text: str | None) -> None:
    """Set a status with as much of `text` as may be written."""
    told = described(span, text)
    span.set_status(Status(code, told))
    if told is not None and code is StatusCode.ERROR and (guard := guard_of(span)) is not None:
        note_error(span, guard, description=told)


def record_exception(span: Span, error: BaseException) -> None:
    """Record `error` as an event of `span`; without its message and its stack trace where texts are not recorded."""
    silent = config.active().capture_content is False
    guard = guard_of(span)
    if not silent and guard is None:
        span.record_exception(error)
        return
    if not span.is_recording():
        return
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    found = {EXCEPTION_TYPE: name, EXCEPTION_ESCAPED: "False"}
    if not silent:
        stack = "".join(traceback.format_exception(kind, error, error.__traceback__, limit=-MAX_FRAMES))
        for key, text in ((EXCEPTION_MESSAGE, str(error)), (EXCEPTION_STACKTRACE, stack)):
            if (told := described(span, text)) is not None:
                found[key] = told
    span.add_event("exception", found)
    if guard is not None and not silent:
        note_error(span, guard)


def _text(error: BaseException) -> str:
    try:
        return utf8(f"{type(error).__name__}: {error}")
    except Exception:  # Its text is the user's code.
        return type(error).__name__
