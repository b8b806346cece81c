"""Finding the scope of what runs: through its span, else through the context, else through its request."""

from __future__ import annotations

from contextvars import ContextVar

from opentelemetry.context import Context, create_key, get_current

from . import context_baggage
from .context_baggage import showing
from .identity import EMPTY
from .inbound import Arrival, arrival_in
from .loan import flow, noted
from .open_span import SPAN_KEY, OpenSpan, open_span_in
from .scope import Scope
from .weak_names import receive

SCOPE_KEY = create_key("langwatch_otel.scope")

request_scope: ContextVar[Scope | None] = ContextVar("langwatch_otel.request_scope", default=None)
"""The scope of a request that had no recording span when it came in."""

# In the task's own variables, not in OpenTelemetry's context: FastAPI's instrumentation undoes what is attached there.
task_scope: ContextVar[Scope | None] = ContextVar("langwatch_otel.task_scope", default=None)
"""The scope that a task, or one that it was started from, has of its own in its request."""


def scope_of(held: OpenSpan, context: Context) -> Scope:
    """Return the scope of `held`, unless the context has one below it.

    So a parent from elsewhere brings its own conversation.
    """
    mine = held.scope
    found = context.get(SCOPE_KEY)
    # One that was opened under this very span is below its scope: no need to walk through all between.
    if found is not mine and isinstance(found, Scope) and (found.anchor is held or found.is_below(mine)):
        return _of_task(found)
    return _of_task(mine)


def _of_task(scope: Scope) -> Scope:
    """Return the scope that the task which runs has of its own directly below `scope`, else `scope`."""
    of_task = task_scope.get() if scope.has_tasks else None
    return of_task if of_task is not None and of_task.above is scope else scope


def scope_in(context: Context, held: OpenSpan | None) -> Scope | None:
    """Return what `scope_of` does; without a span the context's scope, if it has one, else its request's."""
    if held is not None:
        return scope_of(held, context)
    found = context.get(SCOPE_KEY)
    if isinstance(found, Scope):
        return _of_task(found)
    arrival = arrival_in(context)
    if SPAN_KEY in context:
        found = request_scope.get()  # Contrib makes a new context of the headers alone.
        if found is not None and arrival is not None and arrival.scope is None:
            receive(found, arrival)
        if found is not None:
            return found
    return None if arrival is None else _place_of(arrival)


def _place_of(arrival: Arrival) -> Scope | None:
    """Return the scope of a request of which no span is known here: who came in with it holds all the same."""
    if arrival.scope is None and arrival.conversation is not EMPTY:
        arrival.place = Scope()
        receive(arrival.place, arrival)
    return arrival.scope


def within(scope: Scope, context: Context | None = None) -> Context:
    """Return `context`, or the current one, as it is inside `scope`."""
    context = Context({**(get_current() if context is None else context), SCOPE_KEY: scope})
    keeps_in = context_baggage.is_kept_in
    return context if keeps_in is None or not keeps_in() else showing(context, scope)


def handled_here() -> None:
    """Take note that the request which runs is handled in this very task."""
    scope = current_scope()
    request = scope.in_request if scope is not None else None
    if request is not None and request.handler is None:  # What is called inside of it is another's.
        request.handler = noted(flow())


def current_scope() -> Scope | None:
    """Return the scope that the code which runs now belongs to."""
    context = get_current()
    return scope_in(context, open_span_in(context))
