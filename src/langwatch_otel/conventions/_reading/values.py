"""Single values off the wire: ids, numbers, texts and JSON, each within a bound; bad input raises nothing."""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from ...privacy import utf8

MAX_ID = 1024
"""Characters of an id; the longest that this package writes."""
MAX_TEXT = 1024 * 1024
"""Characters of one text; the rest is cut off."""
MAX_JSON = 4 * 1024 * 1024
"""Characters of one value that is parsed as JSON; a longer one is text."""
MAX_LABELS = 1000
MAX_DEPTH = 8
"""Levels of a metadata value; what lies deeper is left out."""
MAX_ITEMS = 1000
"""Items of one metadata list or object."""

SCRUBBED = "[Scrubbed due to "
"""What Logfire's SDK leaves of a `session.id`: taken for an id, it would make all threads one."""

MISSING: Any = object()
_DECODER = json.JSONDecoder()
TOO_LARGE = 2**63
_SCALARS = frozenset({int, float, bool, type(None)})


def text_of(value: object) -> str | None:
    """Return a text that is there: a non-empty string, or bytes that are UTF-8."""
    if isinstance(value, bytes):
        try:
            value = value[: 4 * MAX_TEXT].decode()
        except UnicodeDecodeError:
            return None
    if not isinstance(value, str) or not value:
        return None
    return utf8(value[:MAX_TEXT])


def spelled(value: object) -> str:
    """Return any value as text: a string as it is, the rest as JSON; what JSON cannot say is empty."""
    if value is None:
        return ""
    if isinstance(value, (str, bytes)):
        return text_of(value) or ""
    try:
        return utf8(json.dumps(value, ensure_ascii=False)[:MAX_TEXT])
    except (TypeError, ValueError, RecursionError):
        return ""


def id_of(value: object) -> str | None:
    """Return an id as it is on the wire, an int as its digits; None where it names nothing."""
    if type(value) is str and len(value) <= MAX_ID and value.isascii():
        return None if not value or value.isspace() or value.startswith(SCRUBBED) else value
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value) if -TOO_LARGE <= value < TOO_LARGE else None
    if not isinstance(value, str) or not value or value.isspace():
        return None
    return utf8(value[:MAX_ID])


def name_of(value: object) -> str | None:
    """Return a short name; MLflow's are JSON strings, so quotes around one come off."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return id_of(value) if isinstance(value, str) else None


def count_of(value: object) -> int | None:
    """Return a number of tokens: a whole number that is not negative."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < TOO_LARGE:
        return value
    return None


def labels_of(value: object) -> tuple[str, ...] | None:
    """Return labels from a list, from a JSON list, or from a text with commas."""
    if isinstance(value, str):
        listed = parsed(value) if value.lstrip()[:1] == "[" else MISSING
        value = listed if isinstance(listed, list) else value[:MAX_TEXT].split(",", MAX_LABELS)
    if not isinstance(value, (list, tuple)):
        return None
    stripped = (id_of(label.strip()) for label in islice(value, MAX_LABELS) if isinstance(label, str))
    return tuple(label for label in stripped if label) or None


def parsed(value: object) -> Any:
    """Return what a JSON text says, `MISSING` where it is not JSON; a list that was cut off keeps its whole items."""
    if not isinstance(value, str) or len(value) > MAX_JSON:
        return MISSING
    try:
        if value.startswith(("{", "[")):  # Most has no blanks around it, which `decode` looks for.
            found, end = _DECODER.raw_decode(value)
            if end == len(value):
                return found
        return _DECODER.decode(value)
    except (ValueError, RecursionError):
        return _whole_items(value) or MISSING


def decoded(value: Any) -> Any:
    """Return what a JSON text says, any other value as it came."""
    found = parsed(value)
    return value if found is MISSING else found


def _whole_items(value: str) -> list[Any]:
    """An attribute may be cut at the SDK's length limit, in the middle of a list."""
    items: list[Any] = []
    place = value.find("[") + 1 if value.lstrip()[:1] == "[" else 0
    while 0 < place < len(value) and len(items) < MAX_ITEMS:
        try:
            item, place = _DECODER.raw_decode(value, place)
        except (ValueError, RecursionError):
            break
        items.append(item)
        while value[place : place + 1] in (",", " ", "\n", "\r", "\t"):
            place += 1
    return items


def object_of(value: object) -> Mapping[str, Any]:
    """Return an object that came as one or as JSON; anything else is empty."""
    found = parsed(value) if isinstance(value, str) else value
    return found if isinstance(found, Mapping) else {}


def may_be_large(value: object) -> bool:
    """Say whether JSON may hold what `plain` would change: it is long, deep, or has more than ASCII in it."""
    return (
        not isinstance(value, str)
        or len(value) > MAX_ITEMS
        or not value.isascii()
        or "\\u" in value
        or value.count("{") + value.count("[") > MAX_DEPTH
    )


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a metadata value in bounds, in characters that UTF-8 can say; None where nothing is left."""
    kind = type(value)
    if kind in _SCALARS or isinstance(value, (int, float)):
        return value
    if kind is str or isinstance(value, str):
        return utf8(value if len(value) <= MAX_TEXT else value[:MAX_TEXT])
    if not depth:
        return None
    if isinstance(value, (list, tuple)):
        return [plain(item, depth - 1) for item in value[:MAX_ITEMS]]
    if isinstance(value, Mapping):
        return {
            utf8(key[:MAX_ID]): plain(item, depth - 1)
            for key, item in islice(value.items(), MAX_ITEMS)
            if isinstance(key, str)
        }
    return None
