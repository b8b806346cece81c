"""A thread that an instrumentation of a model or an agent knows, where the application has named none."""

from __future__ import annotations

from functools import cache
from typing import Any

from . import scope as _scope
from .conventions import NAMES, load
from .identity import EMPTY, Conversation, clean_id
from .naming import give_spans_above
from .scope import Scope
from .stamping import attributes_of
from .weak_names import suppose

# What ends up in an attribute where nothing is known, or where somebody hid it.
_NO_IDS = ("[scrubbed", "none", "null", "unknown")


@cache
def keys() -> tuple[str, ...]:
    """Return the attributes that name a thread, in the order of the catalogue; loads it."""
    found = dict.fromkeys(key for name in NAMES for key in load(name).reads.thread_id)
    return tuple(found)


def thread_on(span: Any) -> str | None:
    """Return the thread that the creator of a GenAI span put on it as it started."""
    attributes = attributes_of(span)
    for key in keys() if attributes else ():
        value = attributes.get(key)
        if isinstance(value, str) and not value.lower().startswith(_NO_IDS):
            return clean_id("thread_id", value)
    return None


def adopt(scope: Scope, span: Any) -> None:
    """Let the turn of `span` have the thread that it starts with, until the application names one."""
    thread = thread_on(span)
    if thread is None:
        return
    suppose(scope, Conversation(thread))
    with _scope.lock:
        if scope.anchor is not None and not scope.sealed and scope.named is not EMPTY:
            give_spans_above(scope, scope.anchor, scope.named)
