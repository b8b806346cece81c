"""How a propagator gets headers out of what it was given, and what we hear of it."""

from __future__ import annotations

from typing import Any

from opentelemetry.propagators.textmap import Getter

from .wire import HEADER


class HearingGetter(Getter[Any]):
    """Get what a propagator asks for, and keep what baggage says: contrib's getter decodes every header each time."""

    __slots__ = ("_getter", "_heard")

    def __init__(self, getter: Getter[Any]) -> None:
        self._getter = getter
        self._heard: list[list[str] | None] = []

    def get(self, carrier: Any, key: str) -> list[str] | None:
        found = self._getter.get(carrier, key)
        if key == HEADER:
            self._heard.append(found)
        return found

    def keys(self, carrier: Any) -> list[str]:
        return self._getter.keys(carrier)

    def baggage(self, carrier: Any) -> list[str] | None:
        """Return the baggage headers of `carrier`, as the propagator got them or, where it did not ask, now."""
        return self._heard[-1] if self._heard else self._getter.get(carrier, HEADER)
