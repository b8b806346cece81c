"""Links each turn to the one before it: a conversation can be walked where a backend knows no sessions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanContext

from . import config
from ._fork import free_after_fork
from .attributes import LINK_KIND, PREVIOUS_TURN

if TYPE_CHECKING:
    from .open_span import OpenSpan

# So many threads are known, the latest ones.
MAX_THREADS = 10_000

_ATTRIBUTES = {LINK_KIND: PREVIOUS_TURN}

# Spans' contexts alone: a span would be kept alive, with all that hangs on it.
_latest: dict[str, SpanContext] = {}

# Re-entrant, because a finaliser that the garbage collector runs meanwhile may name too.
_lock = free_after_fork(threading.RLock())


def follow(held: OpenSpan) -> None:
    """Link the local root `held` to the one of the previous turn of its thread, once it has a thread."""
    thread = held.thread_id
    turn: tuple[str, SpanContext | None] | None = getattr(held, "turn", None)
    if thread is None or (turn is not None and turn[0] == thread) or not config.active().turn_links:
        return
    span: Any = held()
    if span is None or not span.context.trace_flags.sampled:
        return
    with _lock:
        if turn is not None:
            _take_back(span.context, *turn)
        before = _latest.pop(thread, None)
        _latest[thread] = span.context
        if len(_latest) > MAX_THREADS:
            del _latest[next(iter(_latest))]
    held.turn = thread, before  # type: ignore[attr-defined]  # A local root has it.
    if before is not None and _has_room(span):
        span.add_link(before, _ATTRIBUTES)


def _take_back(context: SpanContext, thread: str, before: SpanContext | None) -> None:
    """Forget that `context` was a turn of `thread`: that came in with the request, and another was named."""
    if _latest.get(thread) is context:
        del _latest[thread]
        if before is not None:
            _latest[thread] = before


def _has_room(span: Any) -> bool:
    """Say whether no link of the application's goes for ours: a full span drops the oldest."""
    limit = getattr(getattr(span, "_limits", None), "max_links", None)  # Not public in the SDK.
    return limit is None or len(span.links) < limit


def forget() -> None:
    """Know of no turn any more."""
    with _lock:
        _latest.clear()
