"""Which spans `span_exclude_rules` leave out: marked as they start, left out as they are exported.

A span that has started cannot be taken back, and other exporters see it as ever. The mark hangs on its span context,
the one object that the span, its exported form and its children's `parent` share: so whatever is exported first,
a batch later or at once, a child finds its nearest kept ancestor, and nothing is held that the spans do not hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from . import config
from ._guard import swallowed
from .exclude_rules import SpanExcludeRule
from .open_span import SPAN_KEY
from .span_copy import copy_of
from .stamping import attributes_of

_MARK = "_langwatch_otel_kept_above"

_any_marked = False


def mark_excluded(rules: Sequence[SpanExcludeRule], span: ReadableSpan, parent_context: Context | None) -> None:
    """Mark `span`, which starts, where one of `rules` holds for its name or its scope; and its parent by now.

    FastAPI names its server span when it has found the route: after its start, before the start of its children.
    """
    context = get_current() if parent_context is None else parent_context
    parent = context.get(SPAN_KEY)
    if isinstance(parent, ReadableSpan):
        _look(rules, parent)
    _look(rules, span)


def _look(rules: Sequence[SpanExcludeRule], span: ReadableSpan) -> None:
    global _any_marked
    context = span.context
    if not hasattr(context, _MARK) and _hold(rules, span):
        # A SpanContext takes no attributes from outside, to be safe to share; ours changes nothing of what it says.
        object.__setattr__(context, _MARK, _kept(span.parent))
        _any_marked = True


def _hold(rules: Sequence[SpanExcludeRule], span: ReadableSpan) -> bool:
    for rule in rules:
        if rule.attribute is not None:
            found = (span.attributes or {}).get(rule.attribute)
        elif rule.field == "name":
            found = span.name
        else:
            found = span.instrumentation_scope.name if span.instrumentation_scope is not None else None
        if rule.holds(found):
            return True
    return False


def _kept(context: SpanContext | None) -> SpanContext | None:
    """Return the nearest of `context` and its ancestors that goes out; None where there is none."""
    while hasattr(context, _MARK):
        context = getattr(context, _MARK)
    return context


def without_excluded(spans: list[ReadableSpan]) -> list[ReadableSpan]:
    """Return what of `spans` goes out; the children of a marked span as those of its nearest kept ancestor."""
    rules = config.active().span_exclude_rules
    if not rules and not _any_marked:
        return spans
    kept = []
    for span in spans:
        try:
            if hasattr(span.context, _MARK) or _hold(rules, span):
                continue
            if (parent := _kept(span.parent)) is not span.parent:
                span = copy_of(span, attributes=attributes_of(span), parent=parent)
        except Exception as error:
            swallowed("leaving out a span", error)
        kept.append(span)
    return kept
