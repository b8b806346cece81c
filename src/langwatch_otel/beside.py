"""Tasks that run beside each other in one request, and name themselves: each has a scope of its own."""

from __future__ import annotations

from opentelemetry.context import attach, get_current

from .finding import current_scope, task_scope, within
from .loan import are_tasks_beside, flow
from .open_span import open_span_in
from .scope import Scope


def is_beside(request: Scope) -> bool:
    """Say whether a task of its own is about to name the request: it may be one of several, with a thread each."""
    handler = request.handler or request.flow
    if handler is None or request.named.thread_id is not None:
        return False
    here = flow()
    if request.is_served_by(here) or not are_tasks_beside(here, handler()):
        return False
    current = current_scope()
    return current is not None and (current is request or current.is_below(request))


def open_beside(request: Scope) -> Scope:
    """Open, for the task that runs, a scope of its own: it lends its name to the request as a conversation does."""
    scope = Scope(request)
    scope.of_task = request.has_tasks = True
    task_scope.set(scope)
    scope.anchor = open_span_in(get_current())
    attach(within(scope))
    return scope
