"""Stamps the conversation on every span: as it starts and, through its scope, for as long as it is open."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import Span, SpanLimits, SpanProcessor
from opentelemetry.trace import SpanKind

from . import config, metrics, span_exporter
from . import scope as _scope
from ._guard import guarded, swallowed
from .attributes import HTTP_METHODS
from .exclude_rules import SpanExcludeRule
from .exclusion import mark_excluded
from .finding import SCOPE_KEY, current_scope, request_scope, scope_of
from .genai import AGENT, APART, OTHER
from .inbound import arrival_in
from .instrumented_ids import adopt, hear
from .loan import Loan, enter_request, is_by_framework, note_end
from .open_span import HANGS_AS, NO_KEYS, SPAN_KEY, OpenSpan, open_span_within, sequence
from .rendering import NOTHING, Rendered
from .scope import Scope
from .stamping import Stamper, attributes_of
from .turn_links import follow
from .weak_names import receive

SERVER = SpanKind.SERVER

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
        self._ending: dict[int, tuple[object, OpenSpan]] = {}
        self.exclude(config.active().span_exclude_rules)
        metrics.on()

    def exclude(self, rules: Sequence[SpanExcludeRule]) -> None:
        """Decide from now on, as a span starts, whether `rules` leave it out; our exporters then do so."""
        # A method of the instance's own, and only where there are rules: nobody else pays for them.
        vars(self).pop("on_start", None)
        looking = [rule for rule in rules if rule.attribute is None]
        if looking:
            vars(self)["on_start"] = functools.partial(self._start_and_mark, looking)

    def _start_and_mark(
        self, rules: Sequence[SpanExcludeRule], span: Span, parent_context: Context | None = None
    ) -> None:
        if self._on:
            try:
                mark_excluded(rules, span, parent_context)
            except Exception as error:
                swallowed("looking for a rule that leaves a span out", error)
        type(self).on_start(self, span, parent_context)

    def switch(self, on: bool) -> None:
        """Stamp from now on, or no more: a provider cannot let go of a processor."""
        self._on = on

    # Every span of the application passes here: what follows is written out for speed, not for looks.
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if not self._on:
            return
        try:
            context = get_current() if parent_context is None else parent_context
            above: Any = context.get(SPAN_KEY)
            parent: OpenSpan | None = getattr(above, HANGS_AS, None)
            if parent is None and above is not None:
                parent = open_span_within(above)
            found: Any = context.get(SCOPE_KEY)
            held = OpenSpan(span)
            if parent is not None:
                held.opens = held.root = False
                held.parent = parent if not parent.ended else parent.nearest_open()
                scope = parent.scope
                if (found is not scope and found is not None) or scope.has_tasks:
                    scope = scope_of(parent, context)
            else:
                held.opens, held.root = False, True
                held.parent = held.turn = None
                if found is not None and span.kind is not SERVER:
                    scope = found
                else:
                    scope, held.opens = self._local_root(span, context, found, parent_context is not None)
            held.scope = scope
            held.ended, held.written = 0, NO_KEYS
            held.stamped = held.given = NOTHING
            held.stamper = stamper = self._stamper
            made_by = span.instrumentation_scope
            if (kind := stamper.kinds.get(id(made_by))) is None:
                kind = stamper.kind_of(made_by)
            held.genai = kind != OTHER
            span._langwatch_otel = held  # type: ignore[attr-defined]
            scope.open.add(held)
            if len(scope.open) > scope.crowd:
                scope.forget_dropped()
            rendered = scope.rendered
            if scope.loan is not None and _borrows(span, parent, scope, scope.loan):
                rendered = scope.loan.rendered
                held.borrowed = True
            if rendered is not NOTHING:
                held.stamped = rendered
                stamper.first(span, held, rendered)
                if parent is None and rendered.thread_id is not None:
                    with _scope.lock:
                        follow(held, span)
            if kind == AGENT and (rendered.thread_id is None or rendered.weak):
                held.agent = True
                adopt(held, span)  # Its own thread id may be that of its scope.
                rendered, scope = held.stamped, held.scope
            if scope.rendered is not rendered and not held.borrowed:
                _catch_up(held, scope, rendered)
        except Exception as error:
            swallowed("starting a span", error)

    def _local_root(self, span: Span, context: Context, above: Scope | None, given: bool) -> tuple[Scope, bool]:
        """Return the scope of a server span, or of a local root that has none `above`, and whether it is new.

        Its context was `given`, or is the current one.
        """
        if context or span.kind is SERVER:
            return self._first_in(span, context, above)
        found = current_scope() if given and _is_apart(span) else None
        return (Scope(implicit=True), True) if found is None else (found, False)

    def _first_in(self, span: Span, context: Context, above: Scope | None) -> tuple[Scope, bool]:
        """Return the same of what a request, or a context without a scope, begins with: an HTTP request has its own."""
        arrival = arrival_in(context)
        http = span.kind is SERVER and _is_http(span)
        if above is None and arrival is not None:
            above = arrival.place
        if not http and above is None and _is_apart(span):
            above = current_scope()
        if not http and above is not None:
            return above, False
        if http and above is None:
            above = request_scope.get()  # It tells when the answer has gone out.
        scope = Scope(above, implicit=True)
        if arrival is not None:
            receive(scope, arrival)
        if http:
            scope.http = span.instrumentation_scope.name if span.instrumentation_scope is not None else ""
            scope.flow = enter_request()
        return scope, True

    def _on_ending(self, span: Span) -> None:
        # The SDK's own name for it; an SDK without it leaves spans in their scope until the scope goes.
        try:
            held: OpenSpan = span._langwatch_otel  # type: ignore[attr-defined]
        except AttributeError:  # It started before us.
            return
        try:
            held.ended = 1
            scope = held.scope
            scope.open.discard(held)
            if (parent := held.parent) is not None and parent.ended:
                held.parent = parent.nearest_open()  # An endless chain of tasks must not grow.
            if held.opens:
                scope.closed = True
            if span_exporter.any_made and (not (held.stamped.whole or held.given.whole) or span.dropped_attributes):
                if held.agent:
                    hear(held, span)
                if scope.request is not None or scope.http is not None:
                    note_end(span, held, scope)
                held.ended = next(sequence)
                context = span.context
                if self._ending and len(self._ending) >= MAX_ENDING:
                    self._ending.clear()
                # Kept with its context: as long as that lives, no other object has its id.
                self._ending[id(context)] = context, held
        except Exception as error:
            swallowed("ending a span", error)

    def on_end(self, span: Any) -> None:
        # All processors and exporters share this one readable span: what hangs on it reaches the export thread.
        if self._ending:
            try:
                found = self._ending.pop(id(span.context), None)  # The very object that the span had.
                if found is not None:
                    span._langwatch_otel_late = found[1]
            except Exception as error:
                swallowed("handing on a span that ended", error)

    def shutdown(self) -> None:
        return

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        with guarded("flushing"):
            span_exporter.let_go()
        return True


def _catch_up(held: OpenSpan, scope: Scope, rendered: Rendered) -> None:
    """Stamp what `scope` says now, over what it said as the span started.

    A name that came meanwhile, from another thread, found the span in its scope, or is seen so.
    """
    with _scope.lock:
        if rendered is not NOTHING:
            held.stamped = rendered  # The other thread may have stamped before we did: ours stands there, and is older.
        held.restamp(scope.rendered)


def _is_http(span: Span) -> bool:
    return not HTTP_METHODS.isdisjoint(attributes_of(span))


def _is_apart(span: Span) -> bool:
    """Say whether the span's context is not the one that the application runs in."""
    made_by = span.instrumentation_scope
    return made_by is not None and made_by.name in APART


def _borrows(span: Span, parent: OpenSpan | None, scope: Scope, loan: Loan) -> bool:
    """Say whether a span that starts in a request which was lent a name takes it.

    The framework's own spans do (sending the body), what they are parents of does (background tasks), and what
    the code that called the giver starts next.
    """
    if scope.named.thread_id is not None:
        return False
    if parent is not None and parent.borrowed and parent.thread_id == loan.rendered.thread_id:
        return True
    if scope.http is not None and is_by_framework(span, scope):
        return True
    return loan.reaches(scope)
