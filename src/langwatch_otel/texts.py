"""What becomes of a text before it is written: `redact` sees it, and the raw id of the span's user is taken out."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable
from functools import cache, lru_cache, partial
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any

from ._guard import say_once
from .errors import ConfigurationError
from .privacy import Pseudonym, beginning, hashed

Redact = Callable[[str], str]

# So far beyond the cut `redact` sees a text: a secret that begins before the cut is seen whole.
MARGIN = 4 * 1024

# So much text of one value is given to `redact`, however little is left of it.
MAX_WORK = 64 * 1024

# What a text, or a number, costs that passes: in characters that are written in that time.
PASSED, REDACTED, FOUND, HASHED = 4, 52, 8, 72

# Of such texts what they became is known again within one value.
SHORT = 64

CUT = "…[cut]"

# No id is longer; of a longer text no hash is made.
MAX_ID = 16 * 1024

# Shorter ids are not looked for inside of texts: `1` is in most.
MIN_INSIDE = 4

# Compiled at their first use: most never hide anything.
_word = cache(partial(re.compile, r"[^\s\"'`<>()\[\]{},;=]+"))

_pieces = cache(partial(re.compile, r"([/?&#|:]+)"))

_JSON_BEGINS = ("{", "[", '"')
_json_value = cache(
    partial(re.compile, r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', re.DOTALL)
)

_json_literal = cache(partial(re.compile, r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null"))

# An id of these is in a text as it is, in JSON too: where it is not found there is nothing to do.
_plain = cache(partial(re.compile, r"[A-Za-z0-9@._+|:~-]+"))

_inside = threading.local()


@lru_cache(maxsize=256)
def _standing(raw: str) -> re.Pattern[str]:
    """Return the pattern of that id where it is no part of a longer word."""
    return re.compile(rf"(?<!\w){re.escape(raw)}(?!\w)")


class WithheldError(Exception):
    """Raised in place of a text that must not be written; whoever wanted to write it writes nothing."""


def withhold(text: str) -> str:  # noqa: ARG001
    """Refuse any text: what `redact` is where the one that was asked for cannot be had."""
    raise WithheldError


def load_redact(setting: str, value: object) -> Redact:
    """Return the callable that `value` is, or is the import path of; raises ConfigurationError."""
    takes = "a function from text to text, or its import path (package.module:function)"
    found: Any = value
    if isinstance(value, str):
        module, _, name = value.strip().partition(":") if ":" in value else value.strip().rpartition(".")
        try:
            found = import_module(module)
            for step in name.split("."):
                found = getattr(found, step)
        except Exception as error:
            raise ConfigurationError(setting, value, takes) from error
    if not callable(found) or iscoroutinefunction(found):
        raise ConfigurationError(setting, value, takes)
    redact: Redact = found
    return redact


def _redacted(redact: Redact, text: str) -> str:
    if getattr(_inside, "redact", False):
        raise WithheldError  # It is traced itself: it would be asked about its own argument, and so on.
    _inside.redact = True
    try:
        found = redact(text)
    except WithheldError:
        raise
    except Exception as error:
        say_once(f"redact raised {type(error).__name__}: the text is not recorded", logging.ERROR)
        raise WithheldError from None
    finally:
        _inside.redact = False
    if not isinstance(found, str):
        say_once(f"redact returned {type(found).__name__}, not str: the text is not recorded", logging.ERROR)
        raise WithheldError
    return found if type(found) is str else str.__str__(found)


class TextGuard:
    """What the texts of one value pass."""

    user: str | None
    """The pseudonym of the user whose raw id is taken out."""

    def __init__(self, redact: Redact | None, key: bytes | None, user: str | None) -> None:
        self._redact = redact
        self._key = key
        # A plain one: OpenTelemetry 1.40 takes no str of another class within an array.
        self.user = None if user is None else str.__str__(user)
        self._hash = b"" if user is None else beginning(user)
        self._raw = user.behind if isinstance(user, Pseudonym) else None
        self._plain = self._raw is not None and _plain().fullmatch(self._raw) is not None
        self._work = MAX_WORK
        self._told_before: dict[str, str] = {}
        # Reckoned as room is: `redact` is called, the raw id is looked for, or, where that is not known, a hash made.
        self.price = PASSED + (REDACTED if redact is not None else 0)
        if user is not None:
            self.price += FOUND if self._raw is not None and self._raw.isascii() else HASHED

    @property
    def hides_users(self) -> bool:
        """Whether users are hashed."""
        return self._key is not None

    def begin(self) -> None:
        """Begin the value anew."""
        self._work = MAX_WORK
        self._told_before.clear()

    def short(self, text: str) -> str | None:
        """Return what a short text that came before became, as most keys and roles have; None of another."""
        return self._told_before.get(text)

    def text(self, text: str, room: int) -> str:
        """Return what may be written of `text`, where `room` characters are kept; raises WithheldError."""
        found = self._told(text, room, self.without_user)
        if len(text) <= SHORT and room >= SHORT:
            self._told_before[text] = found
        return found

    def prose(self, text: str, room: int) -> str:
        """Do what `text` does, and replace the user's id where it stands as a word, as in `KeyError: 'u1'`."""
        return self._told(text, room, lambda given: _word().sub(self._word, self._inside(given)))

    def _told(self, text: str, room: int, without_user: Callable[[str], str]) -> str:
        if self._redact is not None:
            if self._work <= 0:
                return CUT
            room = min(room, self._work)
            self._work -= min(len(text), room + MARGIN)
        given = text[: room + MARGIN]
        found = given if self.user is None or self._lacks_user(given) else without_user(given)
        if self._redact is not None:
            found = _redacted(self._redact, found)
        if len(given) == len(text):
            return found
        # The end may be half a secret, which no pattern finds.
        return found[: min(room, max(0, len(found) - MARGIN))] + CUT

    def _lacks_user(self, text: str) -> bool:
        return self._plain and self._raw is not None and self._raw not in text

    def _word(self, found: re.Match[str]) -> str:
        word = found.group()
        bare = word.rstrip(".:!?")
        if self.is_user(bare):
            return (self.user or "") + word[len(bare) :]
        # As in a path or a query; an id may have these characters itself.
        pieces = _pieces().split(word)
        return word if len(pieces) == 1 else "".join(self.user or "" if self.is_user(each) else each for each in pieces)

    def number(self, number: float) -> float | str:
        """Return `number`, or what its text becomes where that is another."""
        text = str(number)
        found = self._told(text, len(text), lambda given: (self.user or "") if self.is_user(given) else given)
        return number if found == text else found

    def is_user(self, text: str) -> bool:
        """Say whether `text` is the raw id of the user: told by its hash where the id itself is not known."""
        if self.user is None or not self._key or len(text) > MAX_ID:
            return False
        if self._raw is not None and text.isascii():
            return text == self._raw
        return hashed(text, self._key).startswith(self._hash)

    def without_user(self, text: str) -> str:
        """Return `text` with the raw id replaced: as the whole of it, as a value of JSON in it, and inside of it."""
        if self._lacks_user(text):
            return text
        if self.is_user(text):
            return self.user or ""
        if (bare := text.strip()) != text:
            return text.replace(bare, self.without_user(bare)) if bare else text
        if text.startswith(_JSON_BEGINS):
            # Not parsed: it may be cut, or deep, and what is not the id stays as it was written.
            text = _json_value().sub(self._value, text)
        return self._inside(text)

    def _inside(self, text: str) -> str:
        """Return `text` with the raw id replaced inside of it too, where that is known and no other word goes on."""
        raw = self._raw
        if raw is None or len(raw) < MIN_INSIDE or raw not in text:
            return text
        if text.startswith(_JSON_BEGINS) and _json_literal().fullmatch(raw):
            return text  # Where it is no text the JSON would be none.
        return _standing(raw).sub(self.user or "", text)

    def value_without_user(self, value: Any) -> Any:
        """Do what `without_user` does for the value of an attribute, which may be an array of texts."""
        if isinstance(value, (list, tuple)):
            return tuple(self.without_user(each) if isinstance(each, str) else each for each in value)
        return self.without_user(value) if isinstance(value, str) else value

    def _value(self, found: re.Match[str]) -> str:
        value: str = found.group()
        if not value.startswith('"'):
            return json.dumps(self.user) if self.is_user(value) else value
        try:
            read = json.loads(value, strict=False)
        except ValueError:
            return value
        told = self.without_user(read)
        return value if told == read else json.dumps(told, ensure_ascii=False)
