"""What our own spans record: input, output, type and the LangWatch SDK's other fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import Span

from . import attributes, config
from ._guard import say_once, swallowed
from .capture import MAX_BYTES, captured, cut_text, is_framework_object
from .failures import record_error
from .privacy import utf8
from .protection import guard_of, write
from .rendering import attribute_value
from .texts import CUT, WithheldError

VALUE_KEYS: Mapping[str, tuple[str, str]] = {
    "input": (attributes.INPUT_VALUE, attributes.INPUT_MIME_TYPE),
    "output": (attributes.OUTPUT_VALUE, attributes.OUTPUT_MIME_TYPE),
}
"""Where a span of ours has each of its texts, and the MIME type of it."""

# The LangWatch SDK's other arguments of update(), and where LangWatch reads them.
_OTHERS: Mapping[str, str] = {
    "type": attributes.LANGWATCH_SPAN_TYPE,
    "model": attributes.GEN_AI_REQUEST_MODEL,
    "params": attributes.LANGWATCH_PARAMS,
    "metrics": attributes.LANGWATCH_METRICS,
    "contexts": attributes.LANGWATCH_CONTEXTS,
    "timestamps": attributes.LANGWATCH_TIMESTAMPS,
}

# Of the metrics, what every backend reads.
_TOKENS: Mapping[str, str] = {
    "prompt_tokens": attributes.GEN_AI_INPUT_TOKENS,
    "completion_tokens": attributes.GEN_AI_OUTPUT_TOKENS,
}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}")

INERT = (
    "trace_id",
    "span_id",
    "expected_output",
    "disable_sending",
    "api_key",
    "max_string_length",
    "evaluations",
)
"""Arguments of the LangWatch SDK that need its server: accepted, and logged once."""


def record_value(span: Span, which: str, value: object) -> None:
    """Write `value` as the input or the output of `span`, unless the operator turned content off."""
    if config.active().capture_content is False or is_framework_object(value) or not span.is_recording():
        return
    key, mime_key = VALUE_KEYS[which]
    guard = guard_of(span)
    try:
        text, mime = captured(value, guard)
    except WithheldError:
        return
    write(span, key, text, guard)
    span.set_attribute(mime_key, mime)


def update_span(span: Span, given: Mapping[str, Any]) -> None:
    """Write what `update()` was given; a name that we do not know becomes an attribute of that name."""
    for key, value in given.items():
        if value is None:
            continue
        try:
            _write(span, key, value)
        except WithheldError:
            continue
        except Exception as error:  # One value of the user's own making costs no other.
            swallowed("updating a span", error)


def _write(span: Span, key: str, value: Any) -> None:
    if key in VALUE_KEYS:
        record_value(span, key, value)
    elif key == "name":
        span.update_name(utf8(str(value)))
    elif key == "error":
        record_error(span, value)
    elif key in INERT:
        say_once(f"{key}= does nothing here: it needs LangWatch's own server or client")
    elif key == "model" or key == "type":
        _write_name(span, _OTHERS[key], utf8(str(value)))
    elif key == "params" or key == "metrics":
        _merge(span, key, value)
    elif key == "contexts":
        _write_contexts(span, value)
    else:
        _write_attribute(span, utf8(_OTHERS.get(key, key)), value)


def _write_name(span: Span, key: str, name: str) -> None:
    """Write a name, which is no content and no text for `redact`: nobody's id alone is taken out."""
    guard = guard_of(span)
    write(span, key, name if guard is None else guard.without_user(name), guard)


def _write_attribute(span: Span, key: str, value: object) -> None:
    if config.active().capture_content is False:
        value = _numbers_of(value)
        if value is None:
            return
    guard = guard_of(span)
    write(span, key, _bounded(attribute_value(value, guard)), guard)


def _bounded(value: Any) -> Any:
    """Return `value` of an attribute, cut where it is large: one is enough for a collector to refuse all of a batch."""
    if isinstance(value, str):
        return cut_text(value)
    if isinstance(value, tuple) and sum(len(each) for each in value if isinstance(each, str)) > MAX_BYTES:
        return captured(value)[0]
    return value


def _numbers_of(value: object) -> object:
    """Return what of `value` is no text: a number, or a mapping's numbers; None where there is nothing."""
    if isinstance(value, Mapping):
        found = {name: each for name, each in value.items() if isinstance(each, (int, float)) and _is_name(name)}
        return found or None
    return value if isinstance(value, (int, float)) else None


def _is_name(name: object) -> bool:
    """Say whether a key is a name, as of a parameter, and not a text that somebody wrote."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _merge(span: Span, key: str, value: Mapping[str, Any]) -> None:
    """Write `value` beside what earlier calls gave for other keys, as in the LangWatch SDK."""
    before = (getattr(span, "attributes", None) or {}).get(_OTHERS[key])
    if isinstance(before, str) and not before.endswith(CUT):
        value = {**json.loads(before), **value}
    for name, attribute in _TOKENS.items() if key == "metrics" else ():
        if isinstance(count := value.get(name), (int, float)):
            span.set_attribute(attribute, int(count))
    _write_attribute(span, _OTHERS[key], value)


def _write_contexts(span: Span, contexts: Any) -> None:
    """Write what was retrieved, as LangWatch reads it."""
    chunks = [contexts] if isinstance(contexts, (str, Mapping)) else contexts
    told = [{"content": chunk} if isinstance(chunk, str) else chunk for chunk in chunks]
    _write_attribute(span, attributes.LANGWATCH_CONTEXTS, told)
