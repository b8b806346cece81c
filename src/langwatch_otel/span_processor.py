"""Stamps the conversation on every span: as it starts and, through its scope, for as long as it is open."""

from __future__ import annotations

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor
from opentelemetry.trace import SpanKind, get_current_span

from ._guard import guarded, swallowed
from .attributes import HTTP_METHODS
from .late import Late, hang
from .naming import scope_in, scope_of
from .open_span import OpenSpan, open_span_of
from .rendering import NOTHING, Rendered
from .scope import Loan, Scope
from .span_exporter import let_go
from .stamping import Stamper, attributes_of

# More spans than this between their end and the news of it: another processor raises there. Forget them.
MAX_ENDING = 1000


class ConversationSpanProcessor(SpanProcessor):
    """Put the conversation on every span of its provider, and never over what the span's creator set.

    Add it with `provider.add_span_processor(ConversationSpanProcessor())`; its place among the processors does
    not matter. It does not work under `ConcurrentMultiSpanProcessor`, whose threads have no context.
    """

    def __init__(self) -> None:
        self._on = True
        self._stamper = Stamper(SpanLimits().max_span_attributes)
        self._ending: dict[int, OpenSpan] = {}

    def switch(self, on: bool) -> None:
        """Stamp from now on, or no more: a provider cannot let go of a processor."""
        self._on = on

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if not self._on:
            return
        try:
            self._start(span, get_current() if parent_context is None else parent_context)
        except Exception as error:
            swallowed("starting a span", error)

    def _start(self, span: Span, context: Context) -> None:
        parent = open_span_of(get_current_span(context))
        if parent is not None:
            scope = scope_of(parent, context)
            held = OpenSpan(span, scope, parent.nearest_open() if parent.ended else parent, self._stamper)
        else:
            scope = _root_scope(span, scope_in(context, None))
            held = OpenSpan(span, scope, None, self._stamper)
            held.root = True
            held.opened_scope = scope.implicit and not scope.open
        scope.open[id(held)] = held
        rendered = scope.rendered
        if scope.loan is not None and _borrows(span, held, parent, scope, scope.loan):
            rendered = scope.loan.rendered
            held.borrowed = True
        if rendered is not NOTHING:
            self._stamp(span, held, rendered)
            # A name that came meanwhile, from another thread, found this span either in the list or here.
            if scope.rendered is not rendered and not held.borrowed:
                held.restamp(scope.rendered)
        elif scope.rendered is not NOTHING:
            held.restamp(scope.rendered)

    def _stamp(self, span: Span, held: OpenSpan, rendered: Rendered) -> None:
        present = attributes_of(span)
        held.stamped = rendered
        genai = held.genai = self._stamper.is_genai(span, present)
        self._stamper.stamp(span, present, rendered.for_span(genai, held.root), rendered)

    def _on_ending(self, span: Span) -> None:
        # The SDK's own name for it; an SDK without it leaves spans in their scope until the scope goes.
        try:
            held = open_span_of(span)
            if held is None:
                return
            held.end()
            if held.thread_id is None or span.dropped_attributes:
                if len(self._ending) >= MAX_ENDING:
                    self._ending.clear()
                self._ending[span.context.span_id] = held
        except Exception as error:
            swallowed("ending a span", error)

    def on_end(self, span: ReadableSpan) -> None:
        if self._ending and span.context is not None:
            held = self._ending.pop(span.context.span_id, None)
            if held is not None:
                hang(Late(held), span)

    def shutdown(self) -> None:
        return

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        with guarded("flushing"):
            let_go()
        return True


def _root_scope(span: Span, above: Scope | None) -> Scope:
    """Return the scope of a local root: the context's, else a new one; an HTTP request always has its own."""
    request = span.kind is SpanKind.SERVER and span.attributes is not None
    http = request and any(key in span.attributes for key in HTTP_METHODS)  # type: ignore[operator]
    if above is not None and not http:
        return above
    scope = Scope(above)
    scope.implicit = True
    if http and span.instrumentation_scope is not None:
        scope.http = span.instrumentation_scope.name
    return scope


def _borrows(span: Span, held: OpenSpan, parent: OpenSpan | None, scope: Scope, loan: Loan) -> bool:
    """Say whether a span that starts in a request which was lent a name takes it.

    The framework's own spans do (sending the body), what they are parents of does (background tasks), and what
    the code that called the giver starts next.
    """
    if scope.named.thread_id is not None:
        return False
    if parent is not None and parent.borrowed:
        return True
    made_by = span.instrumentation_scope
    if scope.http is not None and made_by is not None and made_by.name == scope.http:
        return True
    return loan.reaches(scope)
