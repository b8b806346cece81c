"""Scope: the live holder of a conversation, shared by the spans that belong to it."""

from __future__ import annotations

import weakref

from . import config
from ._lock import lock as lock
from .identity import EMPTY, Conversation
from .loan import Flow, Loan, mixes
from .open_span import OpenSpan
from .rendering import NOTHING, Rendered, render
from .scopes_above import said, shorten

CROWD = 1000
"""What `crowd` is at least."""


class Scope:
    """Named by `bind`; found through the spans that belong to it, or through the context."""

    open: set[OpenSpan]
    """Its spans that are open."""
    own: Conversation
    """What was bound here."""
    inherited: Conversation
    """What scopes said that are no longer linked."""
    inbound: Conversation
    """What a source found in the request, over what came in by baggage: any word of the application's wins."""
    supposed = False
    """The thread in `inbound` is one that an instrumentation of a model or an agent knew."""
    named: Conversation
    """Own, inherited, live from above, and inbound: in force here and below."""
    rendered: Rendered
    """What a span that starts now gets."""
    loan: Loan | None
    """What a scope below lent to the HTTP request that this scope is part of."""
    loan_over = False
    """The request named a second thread."""
    heir_of: Scope | None = None
    """The scope above whose loan may serve, at export, for spans here that stayed unnamed."""
    bound_in: weakref.ref[object] | None
    """The flow of execution that named it."""
    contested = False
    """Two flows named two threads: what ended before that is nobody's for certain."""
    anchor: OpenSpan | None
    """The span that was current when the scope was opened."""
    span: OpenSpan | None
    """The span of the `trace()` that opened it."""
    sealed: bool
    """The spans and scopes above are left alone."""
    implicit: bool
    """Opened for a local root by no one's word."""
    http: str | None
    """Where the local root is an HTTP server span: the name of its instrumentation scope."""
    flow: Flow | None
    """The task or job that serves that request; of a scope in one that was opened without a thread, what opened it."""
    handler: Flow | None
    """The task that runs its handler, where that is known: under a middleware another one."""
    has_tasks: bool
    """Tasks below have scopes of their own."""
    request: Scope | None
    """The scope above of such a request."""
    heard: str | None = None
    """The thread that an agent's span of this scope, or of the request that it is part of, had at its end."""
    heard_two = False
    """Two agents had two."""
    below_user: str | None = None
    """The pseudonym of who was last named in a scope below, where nobody is named here: those texts may hold the id."""
    successor = False
    """Opened because a second thread was named."""
    of_task = False
    """Opened because a task of its own named the request around it."""
    closed: bool
    above: Scope | None
    below: weakref.WeakSet[Scope] | None
    crowd: int
    """From so many open spans on, it is worth a look whether some were dropped without an end."""

    # Every local root has a scope: what is read often has a slot, since the interpreter is slow to read what hides
    # a default of the class; the rest has such a default.
    __slots__ = (
        "__dict__ __weakref__ open own inherited inbound named rendered loan bound_in anchor span sealed http flow "
        "handler has_tasks implicit request closed above below crowd"
    ).split()

    def __init__(self, above: Scope | None = None, *, implicit: bool = False) -> None:
        self.open = set()
        self.own = self.inherited = self.inbound = self.named = EMPTY
        self.rendered = NOTHING
        self.loan = self.bound_in = self.anchor = self.span = self.http = self.flow = self.handler = None
        self.request = self.above = self.below = None
        self.implicit = implicit
        self.sealed = self.has_tasks = self.closed = False
        self.crowd = CROWD
        if above is not None:
            self.above = above
            self.request = above.in_request
            with lock:
                if above.closed or above.successor:
                    shorten(above)
                self.follow(above)
                self.named, self.rendered = above.named, above.rendered

    def follow(self, above: Scope) -> None:
        """Be known to `above`: what is named there holds here."""
        if above.below is None:
            above.below = weakref.WeakSet()
        above.below.add(self)

    @property
    def in_request(self) -> Scope | None:
        """The scope of the HTTP request: this one or one above."""
        return self if self.http is not None else self.request

    @property
    def is_served(self) -> bool:
        """Whether the answer has gone out, if this is a request's scope: what runs now follows it."""
        above = self.above
        return self.closed or (self.http is not None and above is not None and above.http is not None and above.closed)

    def is_served_by(self, here: object) -> bool:
        """Say whether `here` opened this scope, or serves its request, or runs the request's handler."""
        if self.flow is not None and here is self.flow():
            return True
        request = self.in_request
        if request is None or request.flow is None:
            return False
        return here is request.flow() or (request.handler is not None and here is request.handler())

    def is_below(self, other: Scope) -> bool:
        """Say whether `other` is among the scopes above this one."""
        above = self.above
        while above is not None:
            if above is other:
                return True
            above = above.above
        return False

    @property
    def is_live(self) -> bool:
        """Whether a name may still come: this scope, or one above, is open."""
        scope: Scope | None = self
        while scope is not None:
            if not scope.closed:
                return True
            scope = scope.above
        return False

    def user_below(self) -> str | None:
        """Return the pseudonym of who was named below this scope, or below the nearest above where somebody was."""
        if config.active().user_id_hash_key is None:
            return None
        found: Scope | None = self
        while found is not None and found.below_user is None:
            found = found.above
        return None if found is None else found.below_user

    def forget_dropped(self) -> None:
        """Let go of open spans that nobody holds any more: a scope that lives as long as its process must not grow."""
        for held in list(self.open):
            if held.span() is None:
                self.open.discard(held)
        self.crowd = max(CROWD, 2 * len(self.open))

    def close(self) -> None:
        """Take note that no code runs in this scope any more; spans of it may still be open."""
        self.closed = True

    def in_force(self) -> Conversation:
        """Return what code that runs in this scope now belongs to."""
        loan = self.loan
        return self.named if loan is None or not loan.reaches(self) else self.named.over(loan.conversation)

    def at_export(self, held: OpenSpan) -> Rendered:
        """Return what names a span of this scope that ended before it had a name."""
        if self.contested:
            return NOTHING
        if self.named.thread_id is None:
            if self.loan is not None:
                return self.loan.rendered if self.loan.reaches_ended(held, self) else self.rendered
            if (thread := held.heard_thread()) is not None:
                return render(Conversation(thread).over(self.named))
            if self.closed and self.heir_of is not None and (loan := self.heir_of.loan) is not None:
                return NOTHING if mixes(loan.conversation, self.named) else loan.rendered
        return self.rendered


def refresh(scope: Scope) -> None:
    """Work out what is named in `scope` and, live, in those below; stamp their open spans. Needs the lock."""
    waiting = [scope]
    while waiting:
        scope = waiting.pop()
        above, before = scope.above, scope.named
        named = scope.own if scope.inherited is EMPTY else scope.own.over(scope.inherited)
        if above is not None:
            named = named.over(above.named)
        word = None
        if scope.inbound is not EMPTY:
            # What came in nearer goes before what came in further up, and after any word.
            word = said(scope)
            named = word.over(scope.inbound).over(named)
        if named is before or (before is not EMPTY and named == before):
            continue
        scope.named = named
        # Before the open spans are listed: a span that starts meanwhile is in the list, or sees this.
        rendered = render(named)
        if (word is not None or (above is not None and above.rendered.inbound)) and rendered is not NOTHING:
            word = said(scope) if word is None else word
            rendered = rendered.received(word[:3] != named[:3], word.thread_id != named.thread_id)
        scope.rendered = rendered
        if scope.loan is not None:
            scope.loan.rendered = render(named.over(scope.loan.conversation))
        for held in [*scope.open]:
            held.restamp(rendered)
        if scope.below is not None:
            waiting.extend(list(scope.below))
