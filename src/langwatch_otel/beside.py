"""Tasks that run beside each other in one request, and name themselves: each has a scope of its own."""

from __future__ import annotations

from opentelemetry.context import attach, get_current

from .finding import current_scope, task_scope, within
from .loan import runs_beside
from .open_span import open_span_in
from .scope import Scope


def is_beside(scope: Scope) -> bool:
    """Say whether a task of its own is about to name `scope`, a request's or that of a trace in one.

    It may be one of several, with a thread each.
    """
    if scope.named.thread_id is not None or not runs_beside(scope):
        return False
    current = current_scope()
    return current is scope or (scope.http is not None and current is not None and current.is_below(scope))


def open_beside(above: Scope) -> Scope:
    """Open, for the task that runs, a scope of its own: it lends its name to the request as a conversation does."""
    scope = Scope(above)
    scope.of_task = above.has_tasks = True
    task_scope.set(scope)
    scope.anchor = open_span_in(get_current())
    attach(within(scope))
    return scope
