"""Sources: where in a request an id is found, without a framework.

`header:NAME`, `path:NAME`, `query:NAME`, `cookie:NAME` and `body:JSON.PATH`, in order of preference. What is said twice
in one place, differently, names nobody.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from .errors import ConfigurationError
from .privacy import is_plain

KINDS = ("header", "path", "query", "cookie", "body")

TAKES = "header:NAME, path:NAME, query:NAME, cookie:NAME or body:JSON.PATH, several by comma"

MAX_BODY = 64 * 1024
"""Bytes of a body, or characters of a message, that are looked at; a longer one is not read at all."""

# What an HTTP header or a cookie may be called.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


# A key can hide behind an escape of a plain character; text that is escaped because it is not ASCII cannot spell one.
_PLAIN_ESCAPED = re.compile(rb"\\u00[2-7]")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Source:
    """One place where an id may be."""

    kind: str
    name: str
    steps: tuple[str, ...] = ()
    """The path into a JSON body: keys, and indexes of arrays."""


def parse(setting: str, value: object) -> tuple[Source, ...]:
    """Return the sources that `value` names, a string by comma or a list; raises ConfigurationError."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, (str, Source)) for each in value):
        raise ConfigurationError(setting, value, TAKES)
    found = (each if isinstance(each, Source) else _source(setting, each.strip()) for each in value if each != "")
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _source(setting: str, text: str) -> Source | None:
    if not text:
        return None
    kind, _, name = (part.strip() for part in text.partition(":"))
    kind = kind.lower()
    if kind not in KINDS:
        raise ConfigurationError(setting, text, TAKES + _closest(kind))
    steps = tuple(name.split(".")) if kind == "body" else ()
    if not name or not all(steps) or (kind in ("header", "cookie") and _TOKEN.fullmatch(name) is None):
        raise ConfigurationError(setting, text, TAKES)
    return Source(kind, name.lower() if kind == "header" else name, steps)


def _closest(kind: str) -> str:
    from difflib import get_close_matches  # Slow to import, and needed for a mistake only.

    near = get_close_matches(kind, KINDS, 1)
    return f" (did you mean {near[0]}:?)" if near else ""


@dataclass
class Request:
    """What is known of a request; a kind that is not in `known` may still come."""

    headers: Iterable[tuple[bytes, bytes]] = ()
    query_string: bytes = b""
    path_params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    """The parsed JSON."""
    raw: bytes | None = None
    """What it was parsed from, where that is still there: shows whether a key was said twice."""
    known: Collection[str] = KINDS


def first_of(sources: tuple[Source, ...], request: Request) -> tuple[str | int | None, tuple[Source, ...]]:
    """Return the id that the first of `sources` gives, else those of them that are to be asked when more is known."""
    for number, source in enumerate(sources):
        if source.kind not in request.known:
            return None, sources[number:]
        if (found := _READ[source.kind](source, request)) is not None:
            return found, ()
    return None, ()


def believed(value: object) -> str | int | None:
    """Return `value` as an id from outside, or None: blank, of another type, or with characters that no id has."""
    if type(value) is int:
        return value
    if type(value) is not str:
        return None
    text = value.strip()
    return text if text and is_plain(text) else None


def _only(found: list[bytes]) -> str | int | None:
    """Return what all of `found` say, in UTF-8."""
    if not found or any(each != found[0] for each in found):
        return None
    try:
        return believed(found[0].decode())
    except UnicodeDecodeError:
        return None


def _header(source: Source, request: Request) -> str | int | None:
    name = source.name.encode()
    return _only([value for key, value in request.headers if key.lower() == name])


def _cookie(source: Source, request: Request) -> str | int | None:
    name, found = source.name.encode(), []
    for header, value in request.headers:
        if header.lower() == b"cookie":
            for pair in value.split(b";"):
                key, _, said = pair.partition(b"=")
                if key.strip() == name:
                    said = said.strip()
                    found.append(said[1:-1] if said[:1] == b'"' == said[-1:] and len(said) > 1 else said)
    return _only(found)


def _query(source: Source, request: Request) -> str | int | None:
    from urllib.parse import unquote_to_bytes  # Slow to load; a server has it loaded.

    name, found = source.name.encode(), []
    for pair in request.query_string.split(b"&"):
        key, _, said = pair.partition(b"=")
        if unquote_to_bytes(key.replace(b"+", b" ")) == name:
            found.append(unquote_to_bytes(said.replace(b"+", b" ")))
    return _only(found)


def _path(source: Source, request: Request) -> str | int | None:
    found = request.path_params.get(source.name)
    return believed(str(found) if type(found) is UUID else found)  # A converter of the framework's may have made it.


def _body(source: Source, request: Request) -> str | int | None:
    value = believed(_step_into(request.body, source.steps))
    if value is not None and request.raw is not None and _may_be_twice(request.raw, source.steps):
        return believed(_step_into(parsed(request.raw, once=True), source.steps))
    return value


_READ = {"header": _header, "path": _path, "query": _query, "cookie": _cookie, "body": _body}


def watch(tell: Callable[[Source, bool], None]) -> None:
    """Call `tell` with each source that is asked from now on, and whether it gave an id: for the doctor."""
    for kind, read in list(_READ.items()):
        _READ[kind] = functools.partial(_told, read, tell)


def _told(
    read: Callable[[Source, Request], str | int | None],
    tell: Callable[[Source, bool], None],
    source: Source,
    request: Request,
) -> str | int | None:
    found = read(source, request)
    tell(source, found is not None)
    return found


def _step_into(found: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        if type(found) is dict:
            found = found.get(step)
        elif type(found) is list and step.isascii() and step.isdigit() and len(step) < 10:
            found = found[int(step)] if int(step) < len(found) else None
        else:
            return None
    return found


def _may_be_twice(raw: bytes, steps: Iterable[str]) -> bool:
    """Say whether a key of the path may stand twice in one object: cheap, and never wrong where it says no."""
    for step in steps:
        spelling = _key_in_json(step)
        if spelling is None:
            return True
        quoted, key = spelling
        # As a value, such as a message's role, it does not count.
        if raw.count(quoted) != 1 and len(key.findall(raw)) != 1:
            return True
    return b"\\" in raw and _PLAIN_ESCAPED.search(raw) is not None


@functools.cache
def _key_in_json(step: str) -> tuple[bytes, re.Pattern[bytes]] | None:
    """Return how a step of a setting's path is spelt in a body, and where it is a key; None where in several ways."""
    if _PLAIN_KEY.fullmatch(step) is None:
        return None
    quoted = f'"{step}"'.encode()
    return quoted, re.compile(quoted + rb"\s*:")


def parsed(raw: bytes | str, *, once: bool = False) -> Any:
    """Return the JSON in `raw`; None where it is none, is too deep, or has too long a number.

    `once` leaves out what an object says twice.
    """
    try:
        return json.loads(raw, object_pairs_hook=_said_once if once else None)
    except (ValueError, RecursionError):
        return None


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.pop(key, None)
            seen.add(key)
    return found


def is_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether a body with these headers is JSON, and none that is longer than `MAX_BODY`."""
    kind = b""
    for name, value in headers:
        name = name.lower()
        if name == b"content-type":
            kind = value.partition(b";")[0].strip().lower()
        elif name == b"content-length" and (not value.isdigit() or len(value) > 10 or int(value) > MAX_BODY):
            return False
    return kind.startswith(b"application/") and (kind == b"application/json" or kind.endswith(b"+json"))
