"""Errors raised while setting up; nothing is raised while tracing.

LangWatchOtelError
  ConfigurationError   (also ValueError)
"""

from collections.abc import Iterable


class LangWatchOtelError(Exception):
    """Any error that this package raises."""


class ConfigurationError(LangWatchOtelError, ValueError):
    """A setting has a value that it does not take; says which, what it got and what it takes."""

    def __init__(self, setting: str, value: object, takes: str) -> None:
        self.setting = setting
        self.value = value
        self.takes = takes
        super().__init__(f"setting {setting!r} takes {takes}, got {value!r}")


def closest(word: object, words: Iterable[str]) -> str:
    """Return the one of `words` that `word` may have meant, as the end of a sentence; nothing where none is close."""
    from difflib import get_close_matches

    return "".join(f" (perhaps {found})" for found in get_close_matches(str(word), words, 1))
