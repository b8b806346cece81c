"""What the doctor has to say: one line of what, so what, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "note", "wrong"]

Facts = Mapping[str, Any]
"""What the probe saw, by subject; a subject that could not be looked at is `{"failed": the type of the error}`."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; only what is wrong makes the whole not well."""

    level: Level
    check: str
    what: str
    so_what: str = ""
    what_to_do: str = ""

    def __str__(self) -> str:
        """The line that a person reads."""
        line = f"{self.level:5}  {self.check}: {self.what}"
        line += f"; {self.so_what}" if self.so_what else ""
        return line + (f". Do: {self.what_to_do}" if self.what_to_do else "")

    def as_json(self) -> dict[str, str]:
        """The same as plain data."""
        return asdict(self)
