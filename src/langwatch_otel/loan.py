"""Loan: a name that a conversation inside an HTTP request lends to the request, and what the loan reaches."""

from __future__ import annotations

import sys
import threading
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .identity import Conversation
from .rendering import render

if TYPE_CHECKING:
    from .open_span import OpenSpan
    from .scope import Scope
    from .stamping import RecordingSpan

# Whose spans in a request are the request's own, beside the application's.
_FRAMEWORKS = ("fastapi", "opentelemetry.instrumentation.")

# In the thread's or task's own variables, not in OpenTelemetry's context: that one is carried into the threads of a
# pool, where one thread runs job after job, of one conversation and of another.
_in_request: ContextVar[bool] = ContextVar("langwatch_otel.in_request", default=False)
_job: ContextVar[Job | None] = ContextVar("langwatch_otel.job", default=None)


class Job:
    """What one thread does in one copy of the context variables: one job of a pool, one call of a server."""

    def __init__(self, thread: threading.Thread | None) -> None:
        self.thread = thread


class Loan:
    """A name that a scope lent to the request around it."""

    def __init__(self, conversation: Conversation, giver: Scope, taker: Scope, number: int) -> None:
        self.conversation = conversation
        self.giver = weakref.ref(giver)
        self.job = weakref.ref(job())
        self.number = number
        """Its place among the ends of spans."""
        self.rendered = render(taker.named.over(conversation))
        # After the answer, tasks beside each other: none may take another's name just because the request is over.
        self.holds_after = not (taker.is_served and runs_beside(taker.in_request))

    def reaches(self, scope: Scope) -> bool:
        """Say whether what runs now is the code that called the giver, or the request itself, or what follows it.

        Not a task beside, nor the next job of the same thread: those may be about to name a thread of their own.
        """
        if scope.is_served and self.holds_after:
            return True
        here = job()
        return here is self.job() or scope.is_served_by(here)

    def reaches_ended(self, held: OpenSpan, scope: Scope) -> bool:
        """Say the same of a span that ended before it had a name."""
        if (scope.is_served and self.holds_after) or held.ended_in is None:
            return True
        if (over := held.below_framework) is not None and (over is held or 0 < over.ended < self.number):
            return True
        ended_in = held.ended_in()
        return ended_in is not None and (ended_in is self.job() or scope.is_served_by(ended_in))


def note_end(span: RecordingSpan, held: OpenSpan, scope: Scope) -> None:
    """Note, of a span that ends without a name in a request, what decides whether the request's loan is for it."""
    request = scope.in_request
    if request is None:
        return
    held.ended_in = weakref.ref(job())
    found: OpenSpan | None = held
    while found is not None and not found.root:
        made = span if found is held else found.span()
        if made is not None and is_by_framework(made, request):
            held.below_framework = found
            return
        found = found.parent


def is_by_framework(span: Any, request: Scope) -> bool:
    """Say whether the instrumentation that made the request's server span made `span` too."""
    made_by = span.instrumentation_scope
    return made_by is not None and made_by.name == request.http and made_by.name.startswith(_FRAMEWORKS)


class Flow(weakref.ref[object]):
    """A weak reference to a task, a job or a thread, which holds when that is gone where it ran."""

    __slots__ = ("thread",)

    thread: int
    """Of a task, the thread of its event loop."""


def noted(one: object) -> Flow:
    """Return a weak reference to what runs now."""
    found = Flow(one)
    found.thread = threading.get_ident()
    return found


def enter_request() -> Flow:
    """Take note that an HTTP request begins here; return what serves it."""
    _in_request.set(True)
    return noted(job())


def job() -> object:
    """Return the task, else the job of the thread, that runs: in a thread of a request's own, not in a pool's."""
    here = flow()
    if not isinstance(here, threading.Thread):
        return here
    if not _in_request.get():
        return Job(None)  # Where one job ends and the next begins, nobody can tell here.
    found = _job.get()
    if found is None or found.thread is not here:
        found = Job(here)
        _job.set(found)
    return found


def flow() -> object:
    """Return the task, else the thread, that runs; the thing itself, because ids are used again."""
    # Not imported for this: a program without asyncio has no tasks, and the import is slow.
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            task: object = asyncio.current_task()
        except RuntimeError:
            task = None
        if task is not None:
            return task
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            task = trio.lowlevel.current_task()
        except (RuntimeError, AttributeError):  # Not under trio, or trio is just being imported.
            task = None
        if task is not None:
            return task
    return threading.current_thread()


def runs_beside(served: Scope | None) -> bool:
    """Say whether what runs now is a task beside the one that runs what `served` is of: a request's, or a trace's."""
    if served is None or (of := served.handler or served.flow) is None:
        return False
    here = flow()
    if served.is_served_by(here):
        return False
    if (one := of()) is None:  # Gone; its tasks may go on. A generator's steps, each in a task of its own, are none.
        return served.is_served and not isinstance(here, threading.Thread) and of.thread == threading.get_ident()
    return are_tasks_beside(here, one)


def are_tasks_beside(one: object, other: object) -> bool:
    """Say whether `flow` returned `one` and `other` for two tasks of one event loop."""
    if one is other or any(each is None or isinstance(each, (threading.Thread, Job)) for each in (one, other)):
        return False
    loops = [each.get_loop() if hasattr(each, "get_loop") else None for each in (one, other)]  # A trio task has none.
    return loops[0] is loops[1]


def mixes(one: Conversation, other: Conversation) -> bool:
    """Say whether the two name different threads, users or customers."""
    return (
        (one.thread_id or other.thread_id) != (other.thread_id or one.thread_id)
        or (one.user_id or other.user_id) != (other.user_id or one.user_id)
        or (one.customer_id or other.customer_id) != (other.customer_id or one.customer_id)
    )
