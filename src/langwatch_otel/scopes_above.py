"""The scopes above one: what they said, and how many of them are kept that are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .identity import EMPTY, Conversation

if TYPE_CHECKING:
    from .scope import Scope

# So many scopes that are over may stand between a scope and one that is not; an endless chain of tasks, each
# started from the one before, is cut there.
MAX_STALE = 32


def shorten(scope: Scope) -> None:
    """Cut the chain above `scope` where too many scopes that are over follow each other."""
    last, stale = scope, 0
    found: Scope | None = scope
    while found is not None and (found.closed or found.successor):
        stale += 1
        if stale <= MAX_STALE:
            last = found
        found = found.above
    if stale > MAX_STALE:
        if last.rendered.inbound:
            last.inherited, last.inbound = said(last), last.named
        else:
            last.inherited = last.named
        last.above = found
        last.heir_of = None
        if last.anchor is not None:
            last.anchor = last.anchor.nearest_open()  # An ended one holds its scope, and all above that.
        if found is not None:
            last.follow(found)


def said(scope: Scope) -> Conversation:
    """Return what is in force in `scope` by the application's word: all but what came in with the request."""
    found: Conversation = EMPTY
    above: Scope | None = scope
    while above is not None:
        if above.own is not EMPTY or above.inherited is not EMPTY:
            found = found.over(above.own).over(above.inherited)
        above = above.above
    return found
