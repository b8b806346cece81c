"""How the conventions in force spell a conversation: worked out once for each choice of them."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from ._guard import say_once
from .attributes import USER_HASH
from .conventions import load
from .conventions._convention import COMMA, EVERY_SPAN, GENAI_SPANS, JSON, LOCAL_ROOT, TRUE, Write
from .counts import METADATA, left_out
from .identity import Conversation

IDS = 3
"""The places of a conversation's ids: its first three fields."""

TEXTS = ("input", "output")
"""The texts of a turn: no part of the conversation that names it."""

MAX_OBJECT = 16 * 1024
"""Characters of metadata in one JSON object."""

Step = tuple[int, str, Callable[[Any], Any] | None]
"""The place of a field, the attribute, and what makes the one of the other where they differ."""


class Spelling(NamedTuple):
    """The attributes of the chosen conventions, by the kind of span."""

    every: tuple[Step, ...]
    genai: tuple[Step, ...]
    """GenAI spans have these beside `every`."""
    root: tuple[Step, ...]
    """A local root has these beside the rest."""
    metadata: tuple[Write, ...]
    ids: tuple[str, ...]
    """Attributes that hold an id: two ids must never become one there."""
    short: frozenset[str]
    """One attribute for the thread and one for the user: what a span with little room gets."""
    taken: frozenset[str]
    threads: frozenset[str]
    """Attributes that hold the thread."""
    texts: bool
    """The local root has the texts of the turn too."""

    def field_of(self, key: str) -> str:
        """Return the field of the id that the attribute `key` holds."""
        place = next((place for place, found, _ in self.every + self.genai + self.root if found == key), None)
        return "user_id" if place is None else Conversation._fields[place]  # The hash has no step of its own.

    def named(self, write: Write, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return metadata as `write` puts it; a key of another field's is left alone."""
        if write.shape == JSON:
            return {write.key: _object(values)} if values else {}
        found = {write.key + name: value for name, value in values.items()}
        if not self.taken.isdisjoint(found):
            left_out[METADATA].add()
            say_once(f"metadata whose key would be another field's below {write.key} is left out there")
            found = {key: value for key, value in found.items() if key not in self.taken}
        return found


@lru_cache(maxsize=64)
def spelling_of(names: tuple[str, ...]) -> Spelling:
    """Return what the conventions of those names write; the first has an attribute that several write."""
    writes: dict[tuple[str, str], Write] = {}
    for write in (write for name in names for write in load(name).writes):
        writes.setdefault((write.on, write.key), write)
    fields = [write for write in writes.values() if write.field not in ("metadata", *TEXTS)]
    every = _steps(write for write in fields if write.on == EVERY_SPAN)
    return Spelling(
        every,
        _steps(write for write in fields if write.on == GENAI_SPANS),
        _steps(write for write in fields if write.on == LOCAL_ROOT),
        tuple(write for write in writes.values() if write.field == "metadata"),
        (*(write.key for write in fields if _place(write) < IDS and write.shape != TRUE), USER_HASH),
        frozenset(
            next((key for found, key, _ in every if found == place), "")
            for place in map(Conversation._fields.index, ("thread_id", "user_id"))
        ),
        frozenset(write.key for write in fields),
        frozenset(write.key for write in fields if write.field == "thread_id" and write.shape != TRUE),
        any(write.field in TEXTS for write in writes.values()),
    )


def _place(write: Write) -> int:
    return Conversation._fields.index(write.field)


def _steps(writes: Iterable[Write]) -> tuple[Step, ...]:
    return tuple((_place(write), write.key, _shaped(write)) for write in writes)


def _shaped(write: Write) -> Callable[[Any], Any] | None:
    if write.shape == COMMA:
        return _comma
    if write.shape == TRUE:
        return _true
    return None if write.limit is None else partial(write.limit.fit, write.field, write.key)


def _comma(labels: tuple[str, ...]) -> str:
    return ",".join(label.replace(",", ";") for label in labels)


def _true(_: object) -> bool:
    return True


def _object(values: Mapping[str, Any]) -> str:
    """Return a JSON object of as many of `values` as fit."""
    kept: list[str] = []
    size = 2
    for name, value in values.items():
        text = f"{json.dumps(name)}: {_json(value)}"
        if size + len(text) + 2 > MAX_OBJECT:
            left_out[METADATA].add()
            say_once("metadata beyond 16 KiB is left out of the one JSON object that a convention puts it in")
            continue
        kept.append(text)
        size += len(text) + 2
    return "{" + ", ".join(kept) + "}"


def _json(value: Any) -> str:
    try:
        if isinstance(value, str) and value[:1] in ("{", "["):
            return json.dumps(json.loads(value))  # What no attribute can hold is JSON already: not twice.
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(str(value))
