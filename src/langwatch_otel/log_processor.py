"""Puts the conversation on log records, so that GenAI events group like spans."""

from collections.abc import MutableMapping
from typing import Any

from opentelemetry.context import get_current
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.trace import get_current_span

from ._guard import guarded, say_once
from .attributes import GEN_AI_PREFIX
from .finding import scope_in
from .genai import has_genai_key, is_genai_scope
from .identity import Conversation
from .open_span import open_span_of
from .privacy import cut
from .rendering import Attributes, Rendered, render


class ConversationLogProcessor(LogRecordProcessor):
    """Put the ids of the conversation on every log record that is emitted inside it.

    By hand, add it with `logger_provider.add_log_record_processor(ConversationLogProcessor())` before the batch
    processor, which copies the record. What the record has already is kept.
    """

    def __init__(self) -> None:
        self._on = True

    def switch(self, on: bool) -> None:
        """Stamp from now on, or no more: a provider cannot let go of a processor."""
        self._on = on

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if not self._on:
            return
        with guarded("emitting a log record"):
            self._stamp(log_record)

    def _stamp(self, emitted: ReadWriteLogRecord) -> None:
        record = emitted.log_record
        context = get_current() if record.context is None else record.context
        scope = scope_in(context, open_span_of(get_current_span(context)))
        if scope is None or not (conversation := scope.in_force()):
            return
        present = record.attributes
        made_by = emitted.instrumentation_scope
        genai = (
            (record.event_name or "").startswith(GEN_AI_PREFIX)
            or (made_by is not None and is_genai_scope(made_by.name))
            or has_genai_key(present or ())
        )
        who = Conversation(conversation.thread_id, conversation.user_id, conversation.customer_id)
        rendered = render(who)
        if isinstance(present, MutableMapping):
            _add(present, rendered.for_span(genai, root=False), rendered)
        else:
            record.attributes = {**rendered.for_span(genai, root=False), **(present or {})}

    def enabled(self, **_: Any) -> bool:
        """Leave it to the other processors whether a record is wanted."""
        return False

    def shutdown(self) -> None:
        return

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def _add(present: MutableMapping[str, Any], ids: Attributes, rendered: Rendered) -> None:
    """Write what `present` lacks and has room for: the SDK's mapping, where it is full, drops the oldest attribute."""
    most, longest = getattr(present, "maxlen", None), getattr(present, "max_value_len", None)
    for key, value in ids.items():
        if key in present:
            continue
        if most is not None and len(present) >= most:
            say_once("a log record has no room for all ids of its conversation: what it has stays")
            return
        present[key] = cut(value, longest) if longest is not None and key in rendered.spelling.ids else value


def place(processor: ConversationLogProcessor, provider: Any) -> None:
    """Add `processor` to `provider` before those that are there: what they have copied by then lacks the ids."""
    provider.add_log_record_processor(processor)
    # Not public in the SDK, which knows no order but that of adding.
    multi: Any = getattr(provider, "_multi_log_record_processor", None)
    found, lock = getattr(multi, "_log_record_processors", None), getattr(multi, "_lock", None)
    if not isinstance(found, tuple) or lock is None or processor not in found:
        say_once("this SDK does not show its log processors: records that those from before have copied lack the ids")
        return
    with lock:
        others = (each for each in multi._log_record_processors if each is not processor)
        multi._log_record_processors = (processor, *others)
