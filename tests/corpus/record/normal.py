"""What changes from run to run, replaced by what does not."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# What of a resource says something about the machine, the process or the moment.
_RESOURCE = ("host.", "process.", "os.", "service.instance.id", "telemetry.sdk.version", "container.")

_DURATION = re.compile(
    r"duration|latency|time_to|ttft|tbt|elapsed|\.time$|_ms$|_seconds$|_time$|time_per|\.msTo|PerSecond", re.IGNORECASE
)

# Of the machine, too, on whichever span.
_MACHINE = re.compile(r"\.(os_name|os_release|os_version|sys_version|language_version)$")

# Every kind of id that a run makes up, with what its number is written into. The order counts.
_IDS = (
    ("uuid", re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "{:08d}-0000-0000-0000-000000000000"),
    ("chatcmpl", re.compile(r"\bchatcmpl-[0-9a-f]{24}\b"), "chatcmpl-{}"),
    ("call", re.compile(r"\bcall-[0-9a-f]{24}\b"), "call-{}"),
    ("resp", re.compile(r"\bresp-[0-9a-f]{24}\b"), "resp-{}"),
    ("msg", re.compile(r"\b(?:msg|fc)-[0-9a-f]{24}\b"), "msg-{}"),
    ("trace", re.compile(r"\b[0-9a-f]{32}\b"), "{:032d}"),
    ("span", re.compile(r"\b[0-9a-f]{16}\b"), "{:016d}"),
)

_TIMES = (
    (re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?"), "2026-01-01T00:00:00Z"),
    (re.compile(r"\b20\d{6}T\d{6,}Z"), "20260101T000000Z"),
    (re.compile(r"\b1[789]\d{17}\b"), "1760000000000000000"),
    (re.compile(r"\b1[789]\d{11}\b"), "1760000000000"),
    (re.compile(r"\b1[789]\d{8}(?:\.\d+)?\b"), "1760000000"),
    (re.compile(r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d GMT"), "Thu, 01 Jan 2026 00:00:00 GMT"),
    (re.compile(r"\bBaseHTTP/[\d.]+ Python/[\d.]+"), "server"),
    (re.compile(r"\btook \d+\.\d+s\b"), "took 0.00s"),
    (re.compile(r"\bobject at 0x[0-9a-f]+"), "object at 0x0"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "2026-01-01"),
)


class Normal:
    """Replaces, in one recording: `places` as they are given, and what is made up in each run."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = sorted(places.items(), key=lambda place: -len(place[0]))
        self._ids: dict[str, dict[str, str]] = {}

    def recording(self, spans: Sequence[Mapping[str, Any]], logs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return what is written to the file, in the order of time."""
        spans = sorted(spans, key=lambda span: (span["_time"], span["_parent"] != ""))
        places = {span["_id"]: index for index, span in enumerate(spans)}
        traces = {trace: number for number, trace in enumerate(dict.fromkeys(span["_trace"] for span in spans))}
        found = []
        for span in spans:
            place = {"trace": traces[span["_trace"]], "parent": places.get(span["_parent"])}
            found.append(place | self._span(span))
        records = [
            {"span": places.get(record["_id"])} | self.value(_public(record))
            for record in sorted(logs, key=lambda record: record["_time"])
        ]
        return {"spans": found, "logs": records} if records else {"spans": found}

    def _span(self, span: Mapping[str, Any]) -> dict[str, Any]:
        resource = {key: value for key, value in span["resource"].items() if not key.startswith(_RESOURCE)}
        return self.value({**_public(span), "resource": resource})

    def value(self, value: Any, key: str = "") -> Any:
        """Return `value`, found under `key`, without what is volatile."""
        if _MACHINE.search(key):
            return "<machine>"
        if isinstance(value, dict):
            return {name: self.value(item, name) for name, item in sorted(value.items())}
        if isinstance(value, list):
            return [self.value(item, key) for item in value]
        if isinstance(value, str):
            return _short(self.text(value)) if key == "exception.stacktrace" else self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, float) or _DURATION.search(key):
            return type(value)(0) if _DURATION.search(key) else value
        return int(text) if (text := self.text(str(value))).isdecimal() else text

    def text(self, text: str) -> str:
        """Return `text` with placeholders."""
        for place, name in self._places:
            text = text.replace(place, name)
        for kind, pattern, form in _IDS:
            known = self._ids.setdefault(kind, {})
            text = pattern.sub(lambda found: known.setdefault(found[0], form.format(len(known) + 1)), text)  # noqa: B023
        for pattern, name in _TIMES:
            text = pattern.sub(name, text)
        return text


def _public(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if not key.startswith("_")}


def _short(trace: str) -> str:
    """Return a stack trace without its frames; Python tells the error last, JavaScript first."""
    lines = trace.strip().splitlines()
    return f"{lines[0]}\n  ...\n{lines[-1]}" if lines[0].startswith("Traceback") else f"{lines[0]}\n  ..."
