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


def closest(word: str, words: Iterable[str]) -> list[str]:
    """Return the one of `words` that `word` may have meant, or none."""
    from difflib import get_close_matches

    return get_close_matches(word, words, 1)


def perhaps(names: Iterable[str]) -> str:
    """Return the end of a sentence that suggests `names`; nothing where there are none."""
    return "".join(f" (perhaps {name})" for name in names)
