"""Ids as W3C baggage: entries of a header, and the headers of a carrier. https://www.w3.org/TR/baggage/"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableSequence
from functools import cache, partial
from typing import Any

from ._guard import say_once
from .attributes import SESSION_ID, USER_ID
from .counts import BAGGAGE, was_cut
from .privacy import cut

HEADER = "baggage"
KEYS = (SESSION_ID, USER_ID)
"""What goes over the wire, in this order, and nothing else."""

# The limits of the standard's readers; some drop the whole header, and not only what is too much.
MAX_HEADER = 8192
MAX_ENTRY = 4096
MAX_ENTRIES = 180

# Compiled at their first use: they cost more than the rest of the import.
_entries = cache(partial(re.compile, r"[ \t]*,[ \t]*"))
_octets = cache(partial(re.compile, r"(?:[!#$&-+\--:<-\[\]-~]|%[0-9A-Fa-f]{2})+"))  # With whole escapes only.

Entry = tuple[str, str]


def entry(key: str, value: str) -> str:
    """Return one entry, percent-encoded so that every language reads it back; a longer one has its value cut."""
    from urllib.parse import quote  # Here and below: slow to load, and whoever sends headers has it loaded.

    text = f"{key}={quote(value, safe='')}"
    length = len(value)
    left = value
    while len(text) > MAX_ENTRY:
        # The same in every process: how much is left hangs on the value alone.
        length -= max(1, (len(text) - MAX_ENTRY) // 12)  # No character takes more than 12.
        left = cut(value, length)
        text = f"{key}={quote(left, safe='')}"
    if left is not value:
        was_cut("thread_id" if key == SESSION_ID else "user_id", BAGGAGE, left)
        say_once(f"{key} cut in baggage: an entry has 4,096 bytes, and the id ends in a hash of the whole")
    return text


def added(header: str, entries: Iterable[str]) -> tuple[str, bool]:
    """Return `header` with `entries` after what is there, and whether all had room."""
    count = header.count(",") + 1 if header else 0
    whole = True
    for text in entries:
        if len(header) + len(text) + bool(header) > MAX_HEADER or count >= MAX_ENTRIES:
            whole = False
            continue
        header = f"{header},{text}" if header else text
        count += 1
    return header, whole


def _key_of(member: str) -> str:
    name = member.partition("=")[0].strip(" \t")
    if "%" not in name and "+" not in name:
        return name
    from urllib.parse import unquote_plus

    return unquote_plus(name).strip()


def ours_in(header: str) -> Iterator[Entry]:
    """Yield (key, raw value) of the entries under our keys; properties are cut off."""
    for member in _entries().split(header):
        name, _, raw = member.partition("=")
        if name in KEYS or (name := _key_of(member)) in KEYS:
            yield name, raw.partition(";")[0].strip(" \t")


def decoded(raw: str) -> str | None:
    """Return what a raw value says, or None where it is not one: unlike OpenTelemetry's, `+` is a plus sign."""
    if _octets().fullmatch(raw) is None:
        return None
    if "%" not in raw:
        return raw
    from urllib.parse import unquote

    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError:
        return None


def without_ours(header: str, keep: Collection[Entry] = ()) -> str:
    """Return `header` without entries under our keys, but for those of (key, value) in `keep`."""

    def stays(member: str) -> bool:
        key = _key_of(member)
        if key not in KEYS:
            return True
        from urllib.parse import unquote_plus

        raw = member.partition("=")[2].strip(" \t")
        return (key, unquote_plus(raw).strip()) in keep

    members = _entries().split(header.strip(" \t"))
    kept = [member for member in members if stays(member)]
    return header if len(kept) == len(members) else ",".join(kept)


def rewrite(carrier: Any, change: Callable[[str], str]) -> str:
    """Have `change` rewrite every baggage header of `carrier`, in place; return what they say then.

    A carrier is a mapping of names to strings, to lists of strings or to mappings (message attributes), or a
    list of (name, value); names and values may be bytes. A header that says nothing any more goes.
    """
    if isinstance(carrier, MutableSequence):
        return ",".join(_rewrite_pairs(carrier, change))
    if not hasattr(carrier, "__setitem__") or not hasattr(carrier, "keys"):
        return ""
    said: list[str] = []
    for name in {name: None for name in carrier.keys() if _is_header(name)}:  # noqa: SIM118
        if name not in carrier:  # Rewritten under the same name in other letters.
            continue
        values = _values(carrier, name)
        changed = [_changed(value, change) for value in values]
        if changed != values:
            del carrier[name]
            if left := [value for value in changed if value]:
                carrier[name] = left[0] if len(left) == 1 else ",".join(left)
        said.extend(text for value in changed for text in _texts(value))
    return ",".join(said)


def _values(carrier: Any, name: Any) -> list[Any]:
    """Return every value of `name`: mappings of headers have many ways to ask for it."""
    if type(carrier) is not dict:
        for ask in ("getall", "getlist", "get_list", "get_all"):
            if hasattr(carrier, ask):
                return list(getattr(carrier, ask)(name))
    return [carrier[name]]


def _rewrite_pairs(carrier: MutableSequence[Any], change: Callable[[str], str]) -> Iterator[str]:
    for place in range(len(carrier) - 1, -1, -1):
        pair = carrier[place]
        if not isinstance(pair, (tuple, list)) or len(pair) < 2 or not _is_header(pair[0]):
            continue
        changed = _changed(pair[1], change)
        if not changed:
            del carrier[place]
            continue
        if changed != pair[1]:
            carrier[place] = (
                type(pair)((pair[0], changed, *pair[2:])) if type(pair) in (tuple, list) else (pair[0], changed)
            )
        yield from _texts(changed)


def _is_header(name: object) -> bool:
    if isinstance(name, str):
        return name == HEADER or (len(name) == len(HEADER) and name.lower() == HEADER)
    return isinstance(name, (bytes, bytearray)) and name.lower() == HEADER.encode()


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, (bytes, bytearray)):
        return change(value.decode("latin-1")).encode("latin-1")
    if isinstance(value, (list, tuple)):
        return type(value)(kept for each in value if (kept := _changed(each, change)))
    if isinstance(value, Mapping):  # {"StringValue": ..., "DataType": "String"}
        changed = {key: _changed(each, change) for key, each in value.items()}
        return changed if all(changed.values()) else {}
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, (bytes, bytearray)) and value:
        yield value.decode("latin-1")
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, Mapping):
        yield from (each for key, each in value.items() if "value" in str(key).lower() and isinstance(each, str))
