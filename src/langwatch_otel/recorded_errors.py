"""The errors that we recorded on a span before its user was known: their texts may hold the raw id."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import Status, StatusCode

from .attributes import EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE
from .capture import MAX_BYTES
from .texts import TextGuard

_TEXTS = (EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE)


class RecordedErrors:
    """Our events of one span, and the description that we gave its status."""

    def __init__(self) -> None:
        self.events: tuple[Any, ...] = ()
        self.description: str | None = None

    def hide_user(self, span: Any, guard: TextGuard) -> None:
        """Take the raw id of the user who is named now out of the errors of an open span."""
        for event in self.events:
            if (told := without_user(event, guard)) is not None:
                # An event is final for its readers; nobody has read it while its span is open.
                vars(event)["_attributes"] = told
        if (status := self.status_without_user(span, guard)) is not None:
            span.set_status(status)

    def status_without_user(self, span: Any, guard: TextGuard) -> Status | None:
        """Return the status that `span` should have; None where it may stay."""
        given = span.status.description
        if given is None or given != self.description:
            return None
        told = guard.prose(given, MAX_BYTES)
        return None if told == given else Status(StatusCode.ERROR, told)


def without_user(event: Any, guard: TextGuard) -> dict[str, Any] | None:
    """Return the attributes that `event` should have; None where they may stay."""
    found = dict(event.attributes or {})
    told = {key: guard.prose(found[key], MAX_BYTES) for key in _TEXTS if isinstance(found.get(key), str)}
    return {**found, **told} if any(found[key] != text for key, text in told.items()) else None
