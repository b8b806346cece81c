"""Weak names: what came in with a request, or was found in it, holds until the application says otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from . import scope as _scope
from .identity import EMPTY, Conversation
from .inbound import Arrival
from .scope import Scope, refresh


def receive(scope: Scope, arrival: Arrival) -> None:
    """Let `scope` be that of the request which `arrival` came in with."""
    arrival.scope = scope
    if arrival.conversation is not EMPTY:
        with _scope.lock:
            scope.inbound = arrival.conversation
            refresh(scope)


def _ids(found: Iterable[str | None]) -> Conversation:
    thread, user, customer = found
    return Conversation(thread, user, customer) or EMPTY


def suppose(scope: Scope, found: Conversation) -> None:
    """Let `scope` be named by what a source found in its request, until the application says otherwise."""
    with _scope.lock:
        if scope.loan_over:
            return  # The application has named two threads in it.
        if (loan := scope.loan) is not None:
            lent = loan.conversation[:3]
            found = _ids(None if word is not None else each for each, word in zip(found[:3], lent, strict=True))
        scope.inbound = found.over(scope.inbound)
        refresh(scope)


def overrule(scope: Scope, word: Conversation) -> None:
    """Let `word` take the place of what came in with the request, in `scope` and in those above. Needs the lock."""
    found: Scope | None = scope
    while found is not None:
        if found.inbound is not EMPTY:
            _overrule(found, word)
        found = found.above if not found.sealed else None


def _overrule(scope: Scope, word: Conversation) -> None:
    came = list(zip(scope.inbound[:3], word[:3], strict=True))
    scope.inbound = _ids(each if said is None else None for each, said in came)
    # A name that came in and is said again is from now on the application's word.
    confirmed = _ids(each if each == said else None for each, said in came)
    scope.inherited = scope.inherited.over(confirmed)
    refresh(scope)
    if confirmed.thread_id is not None:
        waiting = [scope]
        while waiting:
            below = waiting.pop()
            below.rendered.weak = False
            waiting.extend(list(below.below or ()))
