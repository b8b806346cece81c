"""Spans as they came over OTLP, read as conversations."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langwatch_otel import attributes
from langwatch_otel.workbench.receiver import ReceivedSpan

INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one request said and was answered, and how long it took."""

    said: str
    replied: str
    spans: int
    start_ns: int
    end_ns: int

    @property
    def milliseconds(self) -> float:
        """From the first span's start to the last one's end."""
        return (self.end_ns - self.start_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Thread:
    """The turns that bear one thread id, or none."""

    thread_id: str | None
    user_id: str | None
    turns: tuple[Turn, ...]
    spans_with_id: int
    spans_without_id: int

    @property
    def milliseconds(self) -> float:
        """From the first turn's start to the last one's end."""
        return (max(turn.end_ns for turn in self.turns) - self.turns[0].start_ns) / 1e6


def group(spans: Iterable[ReceivedSpan]) -> list[Thread]:
    """Return the threads of `spans`, the first to begin first; a span without an id is with its trace."""
    traces: defaultdict[str, list[ReceivedSpan]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start_ns):
        traces[span.trace_id].append(span)
    threads: defaultdict[str | None, list[list[ReceivedSpan]]] = defaultdict(list)
    for of_trace in traces.values():
        first = next((found for span in of_trace if (found := _thread_id(span))), None)
        by_id: defaultdict[str | None, list[ReceivedSpan]] = defaultdict(list)
        for span in of_trace:
            by_id[_thread_id(span) or first].append(span)
        for thread_id, turn in by_id.items():
            threads[thread_id].append(turn)
    return [_thread(thread_id, turns) for thread_id, turns in threads.items()]


def as_json(threads: Sequence[Thread]) -> dict[str, Any]:
    """Return `threads` as what `--json` prints."""
    return {
        "spans": sum(thread.spans_with_id + thread.spans_without_id for thread in threads),
        "spans_with_thread_id": sum(thread.spans_with_id for thread in threads),
        "threads": [
            {
                "thread_id": thread.thread_id,
                "user_id": thread.user_id,
                "duration_ms": round(thread.milliseconds, 1),
                "spans_with_id": thread.spans_with_id,
                "spans_without_id": thread.spans_without_id,
                "turns": [
                    {
                        "user": turn.said,
                        "assistant": turn.replied,
                        "duration_ms": round(turn.milliseconds, 1),
                        "spans": turn.spans,
                    }
                    for turn in thread.turns
                ],
            }
            for thread in threads
        ],
    }


def _thread(thread_id: str | None, turns: Sequence[Sequence[ReceivedSpan]]) -> Thread:
    spans = [span for turn in turns for span in turn]
    with_id = sum(_thread_id(span) is not None for span in spans)
    users = [span.attributes[attributes.USER_ID] for span in spans if attributes.USER_ID in span.attributes]
    return Thread(thread_id, users[0] if users else None, tuple(map(_turn, turns)), with_id, len(spans) - with_id)


def _thread_id(span: ReceivedSpan) -> str | None:
    found = span.attributes.get(attributes.SESSION_ID)
    return found if isinstance(found, str) else None


def _turn(spans: Sequence[ReceivedSpan]) -> Turn:
    asked = [span for span in spans if INPUT_MESSAGES in span.attributes]
    answered = [span for span in spans if OUTPUT_MESSAGES in span.attributes]
    # The first model call has the user's words, the last one the answer; between them may be tools.
    said = _last_text(asked[0].attributes[INPUT_MESSAGES], "user") if asked else ""
    replied = _last_text(answered[-1].attributes[OUTPUT_MESSAGES], "assistant") if answered else ""
    return Turn(
        said or _first(spans, attributes.INPUT_VALUE),
        replied or _first(spans, attributes.OUTPUT_VALUE),
        len(spans),
        min(span.start_ns for span in spans),
        max(span.end_ns for span in spans),
    )


def _first(spans: Sequence[ReceivedSpan], name: str) -> str:
    return next((str(span.attributes[name]) for span in spans if name in span.attributes), "")


def _last_text(messages: object, role: str) -> str:
    try:
        found = [message for message in json.loads(str(messages)) if message.get("role") == role]
        parts = found[-1]["parts"] if found else []
        return " ".join(str(part["content"]) for part in parts if part.get("type") == "text")
    # Whoever wrote the span may have cut the text, or have another shape in mind.
    except (ValueError, TypeError, AttributeError, KeyError):
        return ""
