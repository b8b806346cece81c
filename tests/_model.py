"""What a schedule of scopes and spans must come to, by the words of the surface; threads' names only.

Outside of HTTP requests the model says which thread a span has. Inside one it says which it may have, since a
conversation lends its thread to what is directly in the request, and to nothing beside.
"""


class Job:
    """A flow of execution: a task, or one job of a pool's thread."""

    now = None
    """The one that runs."""
    count = 0
    """How many spans have ended and threads have been lent."""

    def __init__(self, pool=None, started_from=None):
        self.pool = pool
        self.scope = started_from.scope if started_from is not None else None  # What it, or that, named of its own.

    @staticmethod
    def tick():
        Job.count += 1
        return Job.count

    def shares_thread(self, other):
        return self is other or (self.pool is not None and self.pool is other.pool)

    def is_task_beside(self, other):
        return self is not other and self.pool is None and other.pool is None


class Loan:
    """The thread of a conversation, lent to the request around it."""

    def __init__(self, thread, giver, taker, at):
        self.thread, self.giver, self.job, self.at = thread, giver, Job.now, at
        self.holds_after = not (taker.closed and Job.now.is_task_beside(taker.request.served_by))

    def is_for_all(self, scope):
        """Whether it is for whatever follows the request, unless a task beside gave it after the answer."""
        return scope.closed and self.holds_after


class Scope:
    """Names its spans; what it was not told it asks of the scope above."""

    def __init__(self, above=None, anchor=None, sealed=False):
        self.above, self.anchor, self.sealed = above, anchor, sealed
        self.own = None
        self.spans, self.below = [], []
        self.second = self.implicit = self.closed = self.contested = self.of_task = False
        self.served_by = self.opened_by = self.named_by = self.heir_of = None
        self.loans = []
        if above is not None:
            above.below.append(self)

    @property
    def thread(self):
        return self.own or (self.above.thread if self.above is not None else None)

    @property
    def loan(self):
        """What the request may use here: nothing any more once two threads have been lent to it."""
        return self.loans[-1] if len({loan.thread for loan in self.loans}) == 1 else None

    @property
    def request(self):
        return next((scope for scope in self.upwards() if scope.served_by is not None), None)

    @property
    def is_live(self):
        return not all(scope.closed for scope in self.upwards())

    def upwards(self):
        scope = self
        while scope is not None:
            yield scope
            scope = scope.above

    def bind(self, thread):
        """Name this scope: its open spans, those of unnamed scopes below, and unnamed open spans above."""
        if self.thread == thread:
            self.own = thread
            return
        self.own = thread
        self._stamp()
        if not self.sealed:
            self._climb()
            self._lend()

    def _stamp(self):
        for span in self.spans:
            if span.is_open and span.thread is None:
                span.thread = self.thread
        for scope in self.below:
            if scope.own is None:
                scope._stamp()

    def _climb(self):
        inner, span = self, self.anchor
        while span is not None:
            if span.is_open:
                between = [scope for scope in inner.upwards() if scope not in [*span.scope.upwards()]]
                if span.thread is not None or any(scope.sealed for scope in between):
                    return
                span.thread = self.thread
                inner = span.scope
            span = span.parent

    def _lend(self):
        """Lend the thread to the unnamed scopes above, up to that of the HTTP request; without one to none."""
        unnamed = []
        for scope in self.upwards():
            if scope is self:
                continue
            if scope.thread is not None or (scope.sealed and not self.of_task):
                return
            unnamed.append(scope)
            if scope.served_by is not None or scope.sealed:
                break
        else:
            return
        at = Job.tick()
        for scope in unnamed:
            scope.loans.append(loan := Loan(self.thread, self, scope, at))
            if scope.served_by is not None and scope.loan is not None:
                for span in scope.spans:
                    if span.is_open and (span.framework or span.parent is None) and span.thread is None:
                        span.borrowed, span.sure = loan.thread, True

    def succeed(self):
        """Inherit what was lent above, where the conversation that lent it is over."""
        loan = self.above.loan if self.above is not None else None
        if loan is None:
            return
        request = self.above.request
        if loan.giver.of_task and self.above.may_use(loan):
            self.own = loan.thread
            return
        if not loan.giver.closed:
            return
        if request is None or request.closed:
            if self.above.may_use(loan):
                self.own = loan.thread
        elif self.above.may_use(loan):
            self.heir_of = self.above  # In the same piece of code: only when all is over, unless it names itself.

    def in_force(self):
        """The threads that code which runs here may be told."""
        if self.thread is not None or self.loan is None:
            return {self.thread}
        return {None, self.loan.thread} if self.may_use(self.loan) else {None}

    def may_use(self, loan):
        """Whether what runs here follows the request, or is the code that called the conversation, or the request."""
        return loan.is_for_all(self) or Job.now in (loan.job, self.request.served_by, self.opened_by)


class Span:
    """Open until it ends; takes the name of its scope as it starts, or borrows that of its request."""

    def __init__(self, name, scope, parent, framework=False):
        self.name, self.scope, self.parent, self.framework = name, scope, parent, framework
        self.thread, self.is_open = scope.thread, True
        self.ended_by = self.ended_at = None
        self.borrowed, self.sure = None, False
        scope.spans.append(self)
        loan = scope.loan
        if self.thread is None and loan is not None:
            own, flow = self._is_the_requests_own, scope.may_use(loan)
            below = parent is not None and parent.borrowed is not None
            if own or flow or below:
                self.borrowed = loan.thread
                self.sure = (
                    own or loan.is_for_all(scope) or (flow and loan.job.pool is None) or (below and parent.sure_parent)
                )

    @property
    def _is_the_requests_own(self):
        return self.framework and self.scope.served_by is not None

    @property
    def sure_parent(self):
        return self.sure and self._is_the_requests_own and self.thread is None

    def end(self):
        self.is_open, self.ended_by, self.ended_at = False, Job.now, Job.tick()
        if self.scope.implicit and self.parent is None:
            self.scope.closed = True

    def threads(self):
        """Those that it may have had as it ended."""
        if self.borrowed is None:
            return {self.thread}
        return {self.borrowed} if self.thread is None and self.sure else {self.thread, self.borrowed}

    def threads_at_export(self):
        """Those that it may be given now, if it ended without."""
        scope, loan = self.scope, self.scope.loan
        if scope.contested:
            return {None}
        if scope.thread is not None:
            return {scope.thread, None} if any(above.contested for above in scope.upwards()) else {scope.thread}
        if loan is not None:
            if loan.is_for_all(scope) or self._is_surely_for(loan):
                return {loan.thread}
            return {None, loan.thread} if self._may_be_for(loan) else {None}
        if scope.closed and scope.heir_of is not None and scope.heir_of.loan is not None:
            return {scope.heir_of.loan.thread}
        return {None}

    def _is_surely_for(self, loan):
        """It is of the flow that called the conversation, or of that of the request, or of the framework's."""
        flows = [job for job in self._jobs_of(loan) if job.pool is None]
        before = [span for span in self._framework_before(loan) if span in (self, self.parent)]
        return self.ended_by in flows or any(span.ended_at >= self.ended_at for span in before)

    def _may_be_for(self, loan):
        jobs = self._jobs_of(loan)
        return any(self.ended_by.shares_thread(job) for job in jobs) or any(self._framework_before(loan))

    def _jobs_of(self, loan):
        scope = self.scope
        return [job for job in (loan.job, scope.request.served_by, scope.opened_by) if job is not None]

    def _framework_before(self, loan):
        """Of itself and the spans above those that the framework made, and ended before the loan."""
        span = self
        while span is not None and span.parent is not None:
            if span.framework and span.ended_at is not None and (span is self or span.ended_at < loan.at):
                yield span
            span = span.parent
