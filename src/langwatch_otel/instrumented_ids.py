"""A thread that an instrumentation of a model or an agent knows, where the application has named none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from . import scope as _scope
from .conventions import NAMES, load
from .identity import EMPTY, Conversation, clean_id
from .naming import give_spans_above, seals
from .open_span import OpenSpan
from .scope import Scope, refresh
from .stamping import attributes_of
from .weak_names import suppose

# What ends up in an attribute where nothing is known, or where somebody hid it.
_NO_IDS = frozenset(("none", "null", "unknown"))
_HIDDEN = "[scrubbed"


@cache
def keys() -> tuple[str, ...]:
    """Return the attributes that name a thread, in the order of the catalogue; loads it."""
    found = dict.fromkeys(key for name in NAMES for key in load(name).reads.thread_id)
    return tuple(found)


def thread_on(span: Any, ours: Mapping[str, Any]) -> str | None:
    """Return the thread that the creator of a GenAI span put on it as it started, beside what we stamped."""
    attributes = attributes_of(span)
    for key in keys() if attributes else ():
        value = attributes.get(key)
        if isinstance(value, str) and value != ours.get(key):
            lower = value.lower()
            if lower not in _NO_IDS and not lower.startswith(_HIDDEN):
                return clean_id("thread_id", value)
    return None


def adopt(held: OpenSpan, span: Any) -> None:
    """Let the turn of `span` have the thread that it starts with, until the application names one.

    Where the turn has the thread of another agent already, as one batch after the other has, it is this span's own,
    and that of what starts below it.
    """
    thread = thread_on(span, held.stamped.genai)
    scope = held.scope
    if thread is None or thread == scope.rendered.thread_id:
        return
    held.theirs = _set_by_creator(held, span)
    if scope.rendered.thread_id is not None:
        if _is_supposed(scope):
            _give_scope(held, thread)
        return
    scope.supposed = True
    suppose(scope, Conversation(thread))
    with _scope.lock:
        if scope.anchor is not None and not scope.sealed and scope.named is not EMPTY:
            give_spans_above(scope, scope.anchor, scope.named)


def _set_by_creator(held: OpenSpan, span: Any) -> frozenset[str]:
    attributes, ours = attributes_of(span), held.stamped.genai
    return frozenset(key for key in keys() if key in attributes and attributes[key] != ours.get(key))


def hear(held: OpenSpan, span: Any) -> None:
    """Note the thread that a GenAI span has at its end: it names, at export, the turn's spans that have none.

    What is open is not stamped, and what starts is not: the next agent in the same place may have another thread.
    """
    if held.thread_id is not None or (thread := thread_on(span, {})) is None:
        return
    inner, found = held, held.parent
    held.heard = held.heard or thread
    while found is not None and found.heard is None and found.thread_id is None:
        if seals(inner.scope, found.scope):
            break
        found.heard = thread
        inner, found = found, found.parent
    scope: Scope | None = held.scope
    while scope is not None:
        scope.heard_two = scope.heard_two or scope.heard not in (None, thread)
        scope.heard = thread
        scope = None if scope.request is None or scope.sealed else scope.above


def _is_supposed(scope: Scope) -> bool:
    """Say whether the thread of `scope` is one that an instrumentation knew: not the application's, not a request's."""
    found: Scope | None = scope
    while found is not None and found.inbound.thread_id is None:
        found = found.above
    return found is not None and found.supposed


def _give_scope(held: OpenSpan, thread: str) -> None:
    scope = Scope(held.scope, implicit=True)
    # Nobody tells its end: it is over when the one above is.
    scope.closed = scope.supposed = True
    scope.inbound = Conversation(thread)
    with _scope.lock:
        held.scope.open.discard(held)
        held.scope = scope
        scope.open.add(held)
        refresh(scope)
