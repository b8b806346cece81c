"""What a schedule of scopes and spans must come to, by the words of the surface; threads' names only."""


class Scope:
    """Names its spans; what it was not told it asks of the scope above."""

    def __init__(self, above=None, anchor=None, sealed=False):
        self.above, self.anchor, self.sealed = above, anchor, sealed
        self.own = None
        self.spans, self.below = [], []
        self.second = False
        if above is not None:
            above.below.append(self)

    @property
    def thread(self):
        return self.own or (self.above.thread if self.above is not None else None)

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


class Span:
    """Open until it ends; takes the name of its scope as it starts."""

    def __init__(self, name, scope, parent):
        self.name, self.scope, self.parent = name, scope, parent
        self.thread, self.is_open = scope.thread, True
        scope.spans.append(self)


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
        if span is None:
            return self.scope
        return self.scope if self.scope is not None and span.scope in [*self.scope.upwards()] else span.scope

    @property
    def current(self):
        return self.scope_below(self.span)

    @property
    def thread(self):
        return None if self.current is None else self.current.thread

    def open(self, thread, sealed, parent=None):
        """Enter a scope of one's own."""
        above = self.scope_below(parent or self.span)
        self.scope = Scope(above, parent or self.span, sealed)
        if thread is not None:
            self.scope.bind(thread)
        return self.scope

    def start(self, name, parent=None):
        """Start a span, in the scope of its parent or one below; a root without a scope has its own."""
        parent = parent or self.span
        return Span(name, self.scope_below(parent) or Scope(), parent)

    def name(self, thread, scope=None):
        """Name `scope`, or what is current; a second name opens a scope here, from here on."""
        current = self.current
        if scope is None:
            scope = current
        elif scope.thread not in (None, thread) and current not in (None, *scope.upwards()):
            scope = current  # By a handle from elsewhere: it is meant for what runs here.
        if scope is None:
            scope = self.scope = Scope()
        elif scope.thread not in (None, thread):
            mine = self.span.scope if self.span is not None else None
            above = scope
            while above.second and above is not mine and above.above is not None:
                above = above.above
            scope = self.scope = Scope(above, self.span, scope.sealed)
            scope.second = True
        scope.bind(thread)
        return scope
