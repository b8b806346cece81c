"""Names, as they are exported, the spans that ended before their conversation was known."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from opentelemetry import context as otel
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from . import config, counts, metrics
from ._guard import guarded, swallowed
from .attributes import SESSION_ID, USER_HASH
from .exclusion import without_excluded
from .genai import has_genai_key
from .open_span import HANGS_LATE_AS, OpenSpan, sequence
from .recorded_errors import without_user
from .rendering import NOTHING, Attributes, guard_against
from .span_copy import copy_of, limits_of
from .spelling import spelling_of
from .stamping import attributes_of

# A second batch of the SDK's default size; what does not fit goes out as it is.
MAX_KEPT = 512

_COUNTED = "_langwatch_otel_counted"
_SUPPRESS = getattr(otel, "_SUPPRESS_INSTRUMENTATION_KEY", "")  # Not public: where it is gone nothing is suppressed.

_exporters: weakref.WeakSet[ConversationSpanExporter] = weakref.WeakSet()

any_made = False
"""Whether there has been one: else nobody asks for the names of spans that have ended."""


def any_wrapped() -> bool:
    """Say whether there is an exporter that one of ours wraps."""
    return bool(_exporters)


def _forget_parents() -> None:
    for exporter in list(_exporters):
        exporter.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)


def let_go() -> None:
    """Export what any exporter keeps back, and keep nothing back that ended before now.

    A batch processor's force_flush never reaches its exporter, so the span processor calls this.
    """
    for exporter in list(_exporters):
        with guarded("letting spans go"):
            exporter.let_go()


class ConversationSpanExporter(SpanExporter):
    """Wrap an exporter so that spans which ended before their conversation was known are named on the way out.

    Works in the export thread. Spans of a request that is open and has no name yet are kept back for one batch,
    at most 512 of them; force_flush and shutdown let them go. As many spans go out as come in, less those that
    `span_exclude_rules` leave out.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._kept: list[ReadableSpan] = []
        self._flushed = 0
        self._pid = os.getpid()
        self._lock = threading.RLock()
        global any_made
        any_made = True
        _exporters.add(self)
        metrics.on()

    @property
    def wrapped(self) -> SpanExporter:
        """The exporter that was given."""
        return self._exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._pid != os.getpid():
            self.forget_parent()
        with self._lock:
            kept, self._kept = self._kept, []
            try:
                earlier = self._send(*self._ready(kept, wait=False)) if kept else SpanExportResult.SUCCESS
            except Exception as error:  # What comes after must not suffer for it.
                swallowed("exporting what was kept back", error)
                earlier = SpanExportResult.FAILURE
            result = self._send(*self._ready(spans))
            return result if earlier is SpanExportResult.SUCCESS else earlier

    def _ready(
        self, spans: Sequence[ReadableSpan], *, wait: bool = True
    ) -> tuple[list[ReadableSpan], list[ReadableSpan]]:
        """Name what can be named; return what goes out, and what of it stayed as it was though it lacked a name.

        What may be named by the next batch is kept back, where it may `wait`.
        """
        ready, unchanged = [], []
        for span in spans:
            held = getattr(span, HANGS_LATE_AS, None)
            if held is None:  # It had its thread and its user as it ended.
                ready.append(span)
            elif wait and self._may_wait(held):
                self._kept.append(span)
            else:
                named = _named(span, held)
                ready.append(named)
                if named is span:
                    unchanged.append(span)
        return ready, unchanged

    def _may_wait(self, held: OpenSpan) -> bool:
        try:
            scope = held.scope
            return (
                scope.is_live
                and held.ended > self._flushed
                and held.thread_id is None
                and scope.at_export(held).thread_id is None
                and len(self._kept) < MAX_KEPT
            )
        except Exception as error:
            swallowed("keeping a span back", error)
            return False

    def _send(self, spans: list[ReadableSpan], unchanged: list[ReadableSpan]) -> SpanExportResult:
        try:
            ready, spans = spans, without_excluded(spans)
            if spans is not ready:
                going = {id(span.context) for span in spans}
                unchanged = [span for span in unchanged if id(span.context) in going]
            if unchanged:
                _count_unnamed(unchanged)
        except Exception as error:  # None is lost for it.
            swallowed("looking at what goes out", error)
        return self._exporter.export(spans) if spans else SpanExportResult.SUCCESS

    def let_go(self) -> None:
        """Export what is kept back, and keep back nothing that ended before now."""
        if self._pid != os.getpid():
            self.forget_parent()
        with self._lock:
            self._flushed = next(sequence)
            kept, self._kept = self._kept, []
            # As the SDK's processors do around an export: else its own request would be traced, and sent in turn.
            token = otel.attach(otel.set_value(_SUPPRESS, True))
            try:
                self._send(*self._ready(kept, wait=False))
            finally:
                otel.detach(token)

    def forget_parent(self) -> None:
        """Begin anew in a forked process: what was kept back is the parent's, whose lock may have been held."""
        self._lock = threading.RLock()
        self._kept = []
        self._pid = os.getpid()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.let_go()
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        with guarded("shutting down"):
            self.let_go()
        self._exporter.shutdown()


def _count_unnamed(spans: Sequence[ReadableSpan]) -> None:
    threads = spelling_of(config.active().conventions).threads
    for span in spans:
        present: Any = span.attributes
        try:
            present[SESSION_ID]  # The SDK's mapping takes longer to say whether it has a key.
        except (KeyError, TypeError):
            if threads.isdisjoint(present or ()) and _is_new(span):
                counts.spans_unnamed.add()


def _is_new(span: ReadableSpan) -> bool:
    """Say whether `span` is counted for the first time: several exporters may get it, and copies of it."""
    mine = object()
    return vars(span.context).setdefault(_COUNTED, mine) is mine


def _named(span: ReadableSpan, held: OpenSpan) -> ReadableSpan:
    """Return `span` with the attributes that it lacks, or `span` itself where nothing names it."""
    try:
        scope, thread, weak = held.scope, held.thread_id, None
        rendered = scope.at_export(held)
        if thread is not None:
            weak = held.weak if rendered.thread_id is not None else None
            if thread != rendered.thread_id and weak is None:
                rendered = held.stamped if held.stamped.thread_id else held.given
        user = rendered.plain.get(USER_HASH) or scope.user_below()
        if rendered is NOTHING and user is None:
            return span
        present = attributes_of(span)
        genai = held.genai or (bool(present) and has_genai_key(present))
        wanted, (most, longest) = rendered.for_span(genai, held.root), limits_of(span)
        over = most is not None and len(present) + len(wanted) > most and len({**present, **wanted}) > most
        if over or span.dropped_attributes:
            wanted = rendered.ids
        ours = held.put_by(weak, genai) if weak is not None else {}
        missing = {
            key: value
            for key, value in held.stamper.fit(wanted, rendered, longest).items()
            if key not in present or (key in ours and present[key] == ours[key] != value)
        }
        if thread is None and not rendered.spelling.threads.isdisjoint(missing) and _is_new(span):
            counts.spans_named_at_export.add()
        errors: dict[str, Any] = {}
        if user is not None:
            missing.update(_without_user(held, present, wanted, user))
            errors = _errors_without_user(held, span, user)
        if not missing and not errors:
            return span
        return copy_of(span, attributes={**present, **missing}, parent=span.parent, **errors)
    except Exception as error:
        swallowed("naming a span at export", error)
        return span


def _without_user(held: OpenSpan, present: Attributes, wanted: Attributes, user: str) -> Attributes:
    """Return what we wrote before the user was known, as it is without the raw id."""
    before = held.stamped.for_span(held.genai, held.root)
    ids = held.stamped.spelling.ids
    guard = guard_against(user)
    again = {
        key: guard.value_without_user(wanted[key])
        for key in before.keys() & wanted.keys()
        if key not in ids and present.get(key) == before[key]
    }
    return {**held.without_user(present, user), **again}


def _errors_without_user(held: OpenSpan, span: ReadableSpan, user: str) -> dict[str, Any]:
    """Return the events and the status of `span` without the raw id, where we wrote it before the user was known."""
    if held.errors is None:
        return {}
    guard, ours = guard_against(user), {id(event) for event in held.errors.events}
    found: dict[str, Any] = {}
    events = [
        Event(event.name, told, event.timestamp)
        if id(event) in ours and (told := without_user(event, guard)) is not None
        else event
        for event in span.events
    ]
    if any(new is not old for new, old in zip(events, span.events, strict=True)):
        found["events"] = events
    if (status := held.errors.status_without_user(span, guard)) is not None:
        found["status"] = status
    return found
