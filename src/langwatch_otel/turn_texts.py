"""What a turn says on its local root too, for backends that show the root's texts: by the conventions that say so."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import Span

from ._guard import guarded
from ._lock import lock
from .capture import cut_text
from .naming import seals
from .open_span import OpenSpan, open_span_of
from .protection import guard_of
from .recording import VALUE_KEYS
from .rendering import Attributes
from .stamping import attributes_of


def root_above(held: OpenSpan | None) -> OpenSpan | None:
    """Return the open local root above the span of a trace(); None below another trace(), and across `adopt=False`."""
    with guarded("looking for a turn's local root"):
        if held is None:
            return None
        above, found = held.parent, None
        while above is not None:
            if above.scope.span is above:
                return None
            found, above = above, above.parent
        if found is not None and found.root and not found.ended and not seals(held.scope, found.scope):
            return found
    return None


def tell(root: OpenSpan, span: Span) -> None:
    """Write the texts of a trace() that ends on its local root: an input where there is none, the output each time.

    Nothing where the root is of another conversation, and never over a text that is not ours. Not before the end: then
    it is known whose turn it was, and who was named meanwhile is out of the texts.
    """
    with guarded("writing a turn's texts on its local root"):
        held, on = open_span_of(span), root.span()
        if held is not None and on is not None and not root.ended and held.thread_id == root.thread_id:
            with lock:  # What a root was told is read, then written: two turns may end in two threads.
                _tell(root, on, held, span)


def _tell(root: OpenSpan, on: Any, held: OpenSpan, span: Any) -> None:
    present, ours = attributes_of(on), root.told
    wanted = _texts_of(span, held)
    if (guard := guard_of(on)) is not None:
        wanted, ours = (
            {key: guard.value_without_user(value) for key, value in each.items()} for each in (wanted, ours)
        )
    for field, (key, mime) in VALUE_KEYS.items():
        if key in present and (field == "input" or present[key] != ours.get(key)):
            wanted.pop(key, None)
            wanted.pop(mime, None)
    if wanted:
        root.stamper.stamp(on, present, wanted, root.stamped, ours)
        root.told = {**ours, **wanted}
        if guard is not None:
            root.written = root.written | wanted.keys()
            if root.user != guard.user:  # Named by another thread meanwhile.
                root.hide_user(on)


def _texts_of(span: Any, held: OpenSpan) -> Attributes:
    """Return the texts that we recorded on `span`."""
    said, found = attributes_of(span), Attributes()
    is_guarded = guard_of(span) is not None
    for key, mime in VALUE_KEYS.values():
        # What the application wrote there by itself has not passed `redact`.
        if isinstance(text := said.get(key), str) and (key in held.written or not is_guarded):
            found[key] = cut_text(text)
            if mime in said:
                found[mime] = said[mime]
    return found
