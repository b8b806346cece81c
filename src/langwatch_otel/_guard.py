"""Keeps our mistakes, and bad input, out of the application: logged once, never raised."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

logger = logging.getLogger("langwatch_otel")

# More distinct reasons than this means that a reason was built from data: stop adding, never grow.
MAX_REASONS = 1000

_said: set[str] = set()


def say_once(reason: str, level: int = logging.WARNING) -> None:
    """Log `reason`, the first time in this process only; it must hold no content and no ids."""
    if reason in _said or len(_said) >= MAX_REASONS:
        return
    _said.add(reason)
    with suppress(Exception):  # A filter of the application's may raise.
        logger.log(level, reason)


def swallowed(doing: str, error: BaseException) -> None:
    """Log that `doing` failed, with the type of the error alone: its text may hold content."""
    say_once(f"langwatch_otel failed while {doing}: {type(error).__name__}", logging.ERROR)


@contextmanager
def guarded(doing: str) -> Iterator[None]:
    """Log, and swallow, any error raised while `doing`."""
    try:
        yield
    except Exception as error:
        swallowed(doing, error)
