"""What is recorded of arguments and results: plain data as JSON, bounded in size and in time."""

from __future__ import annotations

import enum
import functools
import json
import math
from collections import ChainMap, deque
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
    return kind not in _BUILT_IN and is_framework_type(kind)


@functools.lru_cache(maxsize=256)
def is_framework_type(kind: Any) -> bool:
    """Say whether objects of that type are never recorded."""
    return any(base.__module__.partition(".")[0] in _FRAMEWORKS for base in kind.__mro__)


def captured(value: object, guard: TextGuard | None = None) -> tuple[str, str]:
    """Return `value` as text of at most 16 KiB and its MIME type; what did not fit ends in `…[cut]`.

    `guard` sees every text in it, before that is cut, and raises where it must not be written.
    """
    if isinstance(value, str):
        if type(value) is not str:
            value = str.__str__(value)  # Of a class made from it, the text without the class's own code.
        return cut_text(value if guard is None else guard.text(value, MAX_BYTES)), TEXT
    if guard is None and type(value) is dict and (plain := _plain_text(value)) is not None:
        return plain, JSON
    budget = MAX_BYTES
    while True:
        text = _encode(_Walk(budget, guard).plain(value, 0))
        if len(text) * 4 <= MAX_BYTES or len(text.encode("utf-8")) <= MAX_BYTES:
            return text, JSON
        budget //= 2  # Quotes, escapes and other alphabets took more room than was reckoned.


def _plain_text(found: dict[object, object]) -> str | None:
    """Return keys and values of short ASCII text, as most arguments are, as JSON without a walk; None for others."""
    left = MAX_BYTES // 6  # A control character takes six bytes.
    pairs = []
    for key, value in found.items():
        if type(key) is not str or type(value) is not str:
            return None
        left -= len(key) + len(value) + 6
        if left < 0 or not (key.isascii() and value.isascii()):
            return None
        pairs.append(f"{_quoted(key)}: {_quoted(value)}")
    return "{" + ", ".join(pairs) + "}"


# Both written in C where Python has it so; an encoder makes another one of those for each value.
_quoted = json.encoder.encode_basestring
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


# Values that are walked into, or turned into text by their own code, of one capture: the rest is left out. A container,
# a model or an object that is unknown costs a microsecond or two; numbers and texts a fraction, and they take room.
MAX_STEPS = 400

# The room that a number, an empty text or a pair of them is reckoned to take: what there may be of them is bounded so.
_NUMBER, _FLOAT, _TEXT, _PAIR = 8, 20, 8, 16

_PLAIN, _ITEMS, _SEQUENCE, _AS_STR, _UNKNOWN = range(5)


class _Walk:
    """One walk through a value, that stops when the budget is spent."""

    def __init__(self, budget: int, guard: TextGuard | None) -> None:
        self.left = budget
        self.steps = MAX_STEPS
        self.guard = guard
        if guard is not None:
            guard.begin()
        self.inside: set[int] = set()

    def plain(self, value: object, depth: int) -> Any:
        """Return `value` as JSON takes it; an unknown object is its type's name, never its `repr`."""
        kind: Any = type(value)
        if kind is str:
            self.left -= _TEXT
            return self._text(cast("str", value))
        if kind is int or kind is float or value is None or kind is bool:
            return self._number(value)
        self.left -= 4
        self.steps -= 1
        shape, names = _shape_of(kind)
        if shape == _PLAIN:
            return self._plain(value, depth)
        if shape == _AS_STR:  # Not all digits of a Decimal, if it has megabytes of them.
            return self._text(str(value)) if _size_of(value) < MAX_BYTES else f"<{kind.__name__}>"
        if shape == _UNKNOWN:
            return self._text(f"<{kind.__name__}>")
        if depth >= MAX_DEPTH or id(value) in self.inside:
            return CUT
        self.inside.add(id(value))
        try:
            if shape == _SEQUENCE:
                return self._list(cast("Iterable[object]", value), depth)
            given: Any = value
            fields = given.items() if names is None else ((name, _read(value, name)) for name in names)
            return self._mapping(fields, depth)
        finally:
            self.inside.discard(id(value))

    def _plain(self, value: object, depth: int) -> Any:
        """Return what a value of a class made from str, int, float or Enum is, and never by the class's own code."""
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, int):
            return self._number(int.__int__(value))
        if isinstance(value, float):
            return self._number(float.__float__(value))
        return self.plain(cast("enum.Enum", value).value, depth + 1) if depth < MAX_DEPTH else CUT

    def _mapping(self, fields: Iterable[tuple[object, object]], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in fields:
            if self.left <= 0 or self.steps <= 0:
                found[CUT] = CUT
                break
            self.left -= _PAIR
            name = self._text(key) if type(key) is str else str(self.plain(key, MAX_DEPTH))
            found[name] = self._text(value) if type(value) is str else self.plain(value, depth + 1)
        return found

    def _list(self, value: Iterable[object], depth: int) -> list[Any]:
        found: list[Any] = []
        for item in value:
            if self.left <= 0 or self.steps <= 0:
                found.append(CUT)
                break
            found.append(self.plain(item, depth + 1))
        return found

    def _number(self, value: Any) -> float | str | None:
        self.left -= _NUMBER
        if value is None or value is True or value is False:
            return value
        if type(value) is int:
            bits = value.bit_length()
            self.left -= bits >> 2
            if bits > 256:
                return "<int>"
        else:
            self.left -= _FLOAT - _NUMBER
            if not math.isfinite(value):
                return str(value)
        if self.guard is None:
            return cast("float", value)
        self.left -= self.guard.price
        return self.guard.number(value)

    def _text(self, text: str) -> str:
        if self.guard is not None:
            text = self._passed(text, self.guard)
        if len(text) > self.left:
            text = text[: max(0, self.left)] + CUT
        self.left -= (len(text) if text.isascii() else 3 * len(text)) or 1
        return utf8(text)

    def _passed(self, text: str, guard: TextGuard) -> str:
        found = guard.short(text)
        if found is None:
            self.left -= guard.price
            found = guard.text(text, max(0, self.left))
        return found


def _size_of(value: object) -> int:
    """Return about how much `str(value)` has to go through."""
    # Not public: what a path was made of, until somebody asks for its text; that is worked out part by part.
    parts = getattr(value, "_raw_paths", None) or getattr(value, "_parts", None)
    if parts is None:
        return value.__sizeof__()
    return sum(map(len, parts)) if len(parts) < MAX_STEPS else MAX_BYTES


@functools.lru_cache(maxsize=256)
def _shape_of(kind: Any) -> tuple[int, tuple[str, ...] | None]:
    """Return how values of that type are walked; of a model or a dataclass its fields too."""
    if issubclass(kind, (str, int, float, enum.Enum)):
        return _PLAIN, None
    if kind is UUID or kind.__module__.startswith("pathlib") or f"{kind.__module__}.{kind.__name__}" in _AS_TEXT:
        return _AS_STR, None
    if kind is dict:
        return _ITEMS, None
    if is_framework_type(kind):
        return _UNKNOWN, None
    if issubclass(kind, ChainMap):  # Asked for its first key, it makes a dictionary of all.
        return _ITEMS, ("maps",)
    if issubclass(kind, Mapping):
        return _ITEMS, None
    names = getattr(kind, "model_fields", None)
    if names is None:
        names = getattr(kind, "__fields__", None)
    if isinstance(names, Mapping):
        return _ITEMS, tuple(names)
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses  # Whoever has one has it loaded: importing the package is to stay cheap.

        return _ITEMS, tuple(field.name for field in dataclasses.fields(kind))
    return (_SEQUENCE if issubclass(kind, _LISTS) else _UNKNOWN), None


def _read(value: object, name: str) -> object:
    try:
        return getattr(value, name, None)
    except Exception as error:  # A property is the user's code; its siblings are recorded all the same.
        return f"<{type(error).__name__}>"
