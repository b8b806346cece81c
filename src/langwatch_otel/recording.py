"""What our own spans record: input, output, type and the LangWatch SDK's other fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import Span, Status, StatusCode

from . import attributes, config
from ._guard import guarded, say_once
from .capture import captured, is_framework_object
from .rendering import attribute_value

_KEYS: Mapping[str, tuple[str, str]] = {
    "input": (attributes.INPUT_VALUE, attributes.INPUT_MIME_TYPE),
    "output": (attributes.OUTPUT_VALUE, attributes.OUTPUT_MIME_TYPE),
}

# The LangWatch SDK's other arguments of update(), and where LangWatch reads them.
_OTHERS: Mapping[str, str] = {
    "type": attributes.LANGWATCH_SPAN_TYPE,
    "model": attributes.GEN_AI_REQUEST_MODEL,
    "params": attributes.LANGWATCH_PARAMS,
    "metrics": attributes.LANGWATCH_METRICS,
    "contexts": attributes.LANGWATCH_CONTEXTS,
    "timestamps": attributes.LANGWATCH_TIMESTAMPS,
}

INERT = ("trace_id", "span_id", "expected_output", "disable_sending", "api_key", "max_string_length")
"""Arguments of the LangWatch SDK that need its server: accepted, and logged once."""


def record_value(span: Span, which: str, value: object) -> None:
    """Write `value` as the input or the output of `span`, unless the operator turned content off."""
    if config.active().capture_content is False or is_framework_object(value) or not span.is_recording():
        return
    key, mime_key = _KEYS[which]
    text, mime = captured(value)
    span.set_attribute(key, text)
    span.set_attribute(mime_key, mime)


def record_error(span: Span, error: BaseException) -> None:
    """Record `error` on `span` with status ERROR, unless it is how a call ends when nothing is wrong."""
    if not is_failure(error):
        return
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def is_failure(error: BaseException) -> bool:
    """Say whether `error` is one: cancellation, a closed generator and HTTP answers below 500 are not."""
    if not isinstance(error, Exception):
        return False
    status = getattr(error, "status_code", None)
    return not (isinstance(status, int) and 100 <= status < 500)


def update_span(span: Span, given: Mapping[str, Any]) -> None:
    """Write what `update()` was given; a name that we do not know becomes an attribute of that name."""
    with guarded("updating a span"):
        for key, value in given.items():
            if value is None:
                continue
            if key in _KEYS:
                record_value(span, key, value)
            elif key == "name":
                span.update_name(str(value))
            elif key == "error":
                record_error(span, value)
            elif key in INERT:
                say_once(f"{key}= does nothing here: it needs LangWatch's own server or client")
            elif key == "model" or key == "type":
                span.set_attribute(_OTHERS[key], str(value))
            else:
                span.set_attribute(_OTHERS.get(key, key), attribute_value(value))
