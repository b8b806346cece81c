"""What is recorded of arguments and results: plain data as JSON, bounded in size and in time."""

from __future__ import annotations

import enum
import functools
import json
import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from .privacy import utf8
from .texts import CUT, TextGuard

MAX_BYTES = 16 * 1024
MAX_DEPTH = 12

TEXT = "text/plain"
JSON = "application/json"

# By name, because importing them for this would make every program's start slower.
_AS_TEXT = frozenset(("datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "decimal.Decimal"))
_BUILT_IN = frozenset((str, int, float, bool, dict, list, tuple, type(None)))
_LISTS = (list, tuple, set, frozenset, deque)

# Requests, responses, sockets, background tasks, uploads: the frameworks' own objects say nothing of a conversation.
_FRAMEWORKS = frozenset(("starlette", "fastapi", "httpx", "httpx2", "requests", "aiohttp", "django", "flask"))


def is_framework_object(value: object) -> bool:
    """Say whether `value` is a request, a response or the like, which is never recorded."""
    kind: Any = type(value)
    return kind not in _BUILT_IN and _of_a_framework(kind)


@functools.lru_cache(maxsize=256)
def _of_a_framework(kind: Any) -> bool:
    return any(base.__module__.partition(".")[0] in _FRAMEWORKS for base in kind.__mro__)


def captured(value: object, guard: TextGuard | None = None) -> tuple[str, str]:
    """Return `value` as text of at most 16 KiB and its MIME type; what did not fit ends in `…[cut]`.

    `guard` sees every text in it, before that is cut, and raises where it must not be written.
    """
    if isinstance(value, str):
        return cut_text(value if guard is None else guard.text(value, MAX_BYTES)), TEXT
    if guard is None and type(value) is dict and _is_plain_text(value):
        return _encode(value), JSON
    budget = MAX_BYTES
    while True:
        text = _encode(_Walk(budget, guard).plain(value, 0))
        if len(text) * 4 <= MAX_BYTES or len(text.encode("utf-8")) <= MAX_BYTES:
            return text, JSON
        budget //= 2  # Quotes, escapes and other alphabets took more room than was reckoned.


def _is_plain_text(found: dict[object, object]) -> bool:
    """Say whether keys and values are short ASCII text, as most arguments are: no walk is needed."""
    left = MAX_BYTES // 6  # A control character takes six bytes.
    for key, value in found.items():
        if type(key) is not str or type(value) is not str:
            return False
        left -= len(key) + len(value) + 6
        if left < 0 or not (key.isascii() and value.isascii()):
            return False
    return True


_encode = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps makes a new one each time.


def cut_text(text: str, limit: int = MAX_BYTES) -> str:
    """Return `text` in at most `limit` bytes of UTF-8, marked where it was cut."""
    if text.isascii() and len(text) <= limit:
        return text
    text = utf8(text[: limit + 1])
    data = text.encode("utf-8")
    if len(data) <= limit:
        return text
    return data[: limit - len(CUT.encode())].decode("utf-8", "ignore") + CUT


class _Walk:
    """One walk through a value, that stops when the budget is spent."""

    def __init__(self, budget: int, guard: TextGuard | None) -> None:
        self.left = budget
        self.guard = guard
        if guard is not None:
            guard.begin()
        self.inside: set[int] = set()

    def plain(self, value: object, depth: int) -> Any:
        """Return `value` as JSON takes it; an unknown object is its type's name, never its `repr`."""
        self.left -= 4
        if type(value) is str:
            return self._text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, int):
            return self._number(int.__int__(value)) if int.bit_length(value) <= 256 else "<int>"
        if isinstance(value, float):
            number = float.__float__(value)
            return self._number(number) if math.isfinite(number) else str(number)
        if isinstance(value, enum.Enum):
            return self.plain(value.value, depth + 1) if depth < MAX_DEPTH else CUT
        kind = type(value)
        if kind is UUID or kind.__module__.startswith("pathlib") or f"{kind.__module__}.{kind.__name__}" in _AS_TEXT:
            return self._text(str(value))
        return self._container(value, depth)

    def _container(self, value: object, depth: int) -> Any:
        fields: Iterable[tuple[object, object]] | None = None
        if type(value) is dict:
            fields = value.items()
        elif not is_framework_object(value):
            fields = _fields_of(value)
        if fields is None and (not isinstance(value, _LISTS) or is_framework_object(value)):
            return self._text(f"<{type(value).__name__}>")
        if depth >= MAX_DEPTH or id(value) in self.inside:
            return CUT
        self.inside.add(id(value))
        try:
            return self._mapping(fields, depth) if fields is not None else self._list(value, depth)
        finally:
            self.inside.discard(id(value))

    def _mapping(self, fields: Iterable[tuple[object, object]], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in fields:
            if self.left <= 0:
                found[CUT] = CUT
                break
            name = self._text(key) if isinstance(key, str) else str(self.plain(key, MAX_DEPTH))
            found[name] = self._text(value) if type(value) is str else self.plain(value, depth + 1)
        return found

    def _list(self, value: Any, depth: int) -> list[Any]:
        found: list[Any] = []
        for item in value:
            if self.left <= 0:
                found.append(CUT)
                break
            found.append(self.plain(item, depth + 1))
        return found

    def _number(self, number: float) -> float | str:
        return number if self.guard is None else self.guard.number(number)

    def _text(self, text: str) -> str:
        if self.guard is not None:
            text = self.guard.text(text, max(0, self.left))
        if len(text) > self.left:
            text = text[: max(0, self.left)] + CUT
        self.left -= len(text)
        return utf8(text)


def _fields_of(value: object) -> Iterable[tuple[object, object]] | None:
    """Return the items of a mapping, a pydantic model or a dataclass; None for anything else."""
    if isinstance(value, Mapping):
        return value.items()
    kind = type(value)
    names = getattr(kind, "model_fields", None)
    if names is None:
        names = getattr(kind, "__fields__", None)
    if isinstance(names, Mapping):
        return ((name, _read(value, name)) for name in names)
    if hasattr(type(value), "__dataclass_fields__"):
        import dataclasses  # Whoever has one has it loaded: importing the package is to stay cheap.

        return ((field.name, _read(value, field.name)) for field in dataclasses.fields(cast("Any", value)))
    return None


def _read(value: object, name: str) -> object:
    try:
        return getattr(value, name, None)
    except Exception as error:  # A property is the user's code; its siblings are recorded all the same.
        return f"<{type(error).__name__}>"
