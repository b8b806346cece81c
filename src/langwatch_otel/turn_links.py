"""Links each turn to the one before it: a conversation can be walked where a backend knows no sessions."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Link, SpanContext, TraceFlags

from . import config
from ._lock import lock
from .attributes import LINK_KIND, PREVIOUS_TURN

if TYPE_CHECKING:
    from .open_span import OpenSpan

# So many threads are known, the latest ones.
MAX_THREADS = 10_000

_ATTRIBUTES = {LINK_KIND: PREVIOUS_TURN}
_SHARED = BoundedAttributes(attributes=_ATTRIBUTES)

# Spans' contexts alone: a span would be kept alive, with all that hangs on it. A plain dict looks for its first key
# among all that were deleted before: 4 us for each turn, once it is full.
_latest: OrderedDict[str, SpanContext] = OrderedDict()


def follow(held: OpenSpan, span: Any) -> None:
    """Link `span`, which `held` hangs on, to the local root of its thread's previous turn. Needs the lock.

    `span` is a local root that records; it is linked once it has a thread.
    """
    thread, turn = held.stamped.thread_id or held.given.thread_id, held.turn
    if thread is None or (turn is not None and turn[0] == thread):
        return
    if not (config.in_force or config.active()).turn_links:
        return
    context: SpanContext = span.context
    if not context.trace_flags & TraceFlags.SAMPLED:
        return
    if turn is not None:
        _take_back(context, *turn)
    before = _latest.pop(thread, None)
    _latest[thread] = context
    if len(_latest) > MAX_THREADS:
        _latest.popitem(last=False)
    held.turn = thread, before
    if before is not None:
        _link(span, before)


def _take_back(context: SpanContext, thread: str, before: SpanContext | None) -> None:
    """Forget that `context` was a turn of `thread`: that came in with the request, and another was named."""
    if _latest.get(thread) is context:
        del _latest[thread]
        if before is not None:
            _latest[thread] = before


def _link(span: Any, before: SpanContext) -> None:
    """Link `span` to the turn before, unless a link of the application's would go for it: a full span drops those."""
    try:  # Not public: where the SDK has other names for these, the public way, at four times the price.
        limits, links = span._limits, span._links
        if (most := limits.max_links) is not None and len(links) >= most:
            return
        if limits.max_attribute_length is None and limits.max_link_attributes != 0:
            links.append(Link(before, _SHARED))
            return
    except AttributeError:
        pass
    span.add_link(before, _ATTRIBUTES)


def forget() -> None:
    """Know of no turn any more."""
    with lock:
        _latest.clear()
