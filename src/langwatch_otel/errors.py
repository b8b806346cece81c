"""Errors raised while setting up; nothing is raised while tracing.

LangWatchOtelError
  ConfigurationError   (also ValueError)
"""


class LangWatchOtelError(Exception):
    """Any error that this package raises."""


class ConfigurationError(LangWatchOtelError, ValueError):
    """A setting has a value that it does not take; says which, what it got and what it takes."""

    def __init__(self, setting: str, value: object, takes: str) -> None:
        self.setting = setting
        self.value = value
        self.takes = takes
        super().__init__(f"setting {setting!r} takes {takes}, got {value!r}")
