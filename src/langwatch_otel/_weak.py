"""What is known of objects of other libraries, for as long as they live."""

from __future__ import annotations

import weakref
from collections.abc import MutableMapping
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class ByObject(Generic[V]):
    """A dictionary with weak keys, that tells them apart by what they are and not by what they equal.

    Providers of other vendors may be dataclasses, which have no hash.
    """

    def __init__(self) -> None:
        self._found: MutableMapping[int, tuple[weakref.ref[Any], V]] = {}

    def get(self, key: object) -> V | None:
        """Return what is known of `key`, if anything."""
        found = self._found.get(id(key))
        return None if found is None else found[1]

    def __setitem__(self, key: object, value: V) -> None:
        number, known = id(key), self._found
        known[number] = weakref.ref(key, lambda _: known.pop(number, None)), value

    def __contains__(self, key: object) -> bool:
        return id(key) in self._found

    def setdefault(self, key: object, value: V) -> V:
        """Return what is known of `key`, and if nothing is, know `value` from now on."""
        if key not in self:
            self[key] = value
        return self._found[id(key)][1]

    def pop(self, key: object) -> V | None:
        """Return what is known of `key`, if anything, and know it no more."""
        found = self._found.pop(id(key), None)
        return None if found is None else found[1]

    def keys(self) -> list[Any]:
        """Return the objects that are still there."""
        return [key for ref, _ in list(self._found.values()) if (key := ref()) is not None]

    def values(self) -> list[V]:
        """Return what is known."""
        return [value for _, value in list(self._found.values())]

    def clear(self) -> None:
        """Know nothing any more."""
        self._found.clear()
