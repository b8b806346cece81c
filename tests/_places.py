"""Where code of a schedule runs, in the model: what a name that is given there, and a span that starts, come to."""

from _model import Job, Scope, Span


class Place:
    """Where code runs: its current span and the scope of its context."""

    def __init__(self, span=None, scope=None):
        self.span, self.scope = span, scope

    def copy(self):
        return Place(self.span, self.scope)

    def back_to(self, place):
        self.span, self.scope = place.span, place.scope

    def scope_below(self, span):
        """The scope that a child of `span` is in here: the span's, or the context's where that is below it."""
        scope = self.scope if span is None or self._is_in_scope_below(span) else span.scope
        of_task = Job.now.scope
        return of_task if of_task is not None and of_task.above is scope else scope

    def _is_in_scope_below(self, span):
        return self.scope is not None and self.scope is not span.scope and span.scope in [*self.scope.upwards()]

    @property
    def current(self):
        return self.scope_below(self.span)

    @property
    def thread(self):
        return None if self.current is None else self.current.thread

    def in_force(self):
        return {None} if self.current is None else self.current.in_force()

    def open(self, thread, sealed, parent=None):
        """Enter a scope of one's own; without a thread, in a request, it knows the task that opened it."""
        above = self.scope_below(parent or self.span)
        self.scope = Scope(above, parent or self.span, sealed)
        if thread is not None:
            self.scope.bind(thread)
        else:
            self.scope.succeed()
        if self.scope.request is not None and self.scope.thread is None:
            self.scope.opened_by = Job.now
        return self.scope

    def start(self, name, parent=None, framework=False):
        """Start a span, in the scope of its parent or one below; a root without a scope has its own."""
        parent = parent or self.span
        return Span(name, self.scope_below(parent) or self._implicit(None), parent, framework)

    def start_server(self, name, http):
        """Start the server span of a request, which has no parent here; an HTTP request has its own scope."""
        scope = self.scope if not http and self.scope is not None else self._implicit(self.scope)
        if http:
            scope.served_by = Job.now
        return Span(name, scope, None)

    def _implicit(self, above):
        scope = Scope(above)
        scope.implicit = True
        return scope

    def name(self, thread, scope=None):
        """Name `scope`, or what is current; a second name opens a scope here, from here on."""
        current = self.current
        if scope is None:
            scope = current
        elif scope.thread not in (None, thread) and current not in (
            None,
            *([scope] if scope.of_task else scope.upwards()),
        ):
            scope = current  # By a handle from elsewhere: it is meant for what runs here.
        if scope is None:
            scope = self.scope = Scope()
        elif scope.thread not in (None, thread):
            if scope.named_by is not None and not scope.named_by.shares_thread(Job.now):
                scope.contested = True  # Two flows: what ended before is nobody's for certain.
            mine = self.span.scope if self.span is not None else None
            above = scope
            while above.second and above is not mine and above.above is not None:
                above = above.above
            scope = self.scope = Scope(above, self.span, scope.sealed)
            scope.second = True
        elif self._is_beside(scope):
            scope = self.scope = Scope(scope, self.span)
            scope.of_task = True
            Job.now.scope = scope
        elif scope.implicit and scope.named_by is None:
            scope.named_by = Job.now
        scope.bind(thread)
        return scope

    def _is_beside(self, scope):
        """Whether a task of its own names `scope`, a request's or one in it: it gets a scope of its own."""
        serves = scope.served_by or scope.opened_by
        if scope.thread is not None or serves is None or not Job.now.is_task_beside(serves):
            return False
        if scope.request.served_by is Job.now:
            return False
        if scope.served_by is None:
            return self.current is scope
        return self.current is not None and scope in [*self.current.upwards()]
