"""What a request brings along: ids from outside, believed as far as the rule goes and until the application speaks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from opentelemetry.context import Context, create_key

from . import counts
from ._guard import say_once
from .attributes import SESSION_ID, USER_ID
from .identity import EMPTY, Conversation, clean_id, received_user
from .privacy import is_plain
from .wire import MAX_HEADER, decoded, ours_in

if TYPE_CHECKING:
    from .scope import Scope

# Ours alone, so that only what came in through the border counts, and not what the application has in its baggage.
ARRIVAL_KEY = create_key("langwatch_otel.arrival")

MAX_LENGTH = 1024
"""No longer id is believed: what `max_id_length` may be at most."""

_FIELDS = {SESSION_ID: "thread_id", USER_ID: "user_id"}


class Arrival:
    """What came in with one request, in the context that `extract` made; the request's scope, once there is one."""

    __slots__ = ("conversation", "place", "scope")

    def __init__(self, conversation: Conversation = EMPTY) -> None:
        self.conversation = conversation
        self.scope: Scope | None = None
        self.place: Scope | None = None
        """The scope where there is no span to hang it on."""

    def in_force(self) -> Conversation:
        """Return what code that runs in that context belongs to."""
        return self.conversation if self.scope is None else self.scope.in_force()


def arrival_in(context: Context) -> Arrival | None:
    """Return what came in with the request of `context`."""
    found = context.get(ARRIVAL_KEY)
    return found if isinstance(found, Arrival) else None


def accepted(raw: str) -> str | None:
    """Return the id that the raw value of a baggage entry says, or None where it is refused.

    1 to 1,024 characters of UTF-8, percent-encoded, not blank; no controls, line ends or text direction overrides.
    """
    value = decoded(raw)
    value = value.strip() if value is not None else ""
    if not 0 < len(value) <= MAX_LENGTH:
        return None
    return value if is_plain(value) else None


def _refuse_whole(header: str) -> None:
    for key, field in _FIELDS.items():
        if f"{key}=" in header:  # Not read: that is what the limit is for.
            counts.baggage_refused[field].add()
            say_once(f"an inbound {key} was refused: the baggage header is longer than 8,192 characters")


def conversation_in(headers: Iterable[str]) -> Conversation:
    """Return who the baggage headers of one request say it belongs to; what is refused is logged once, unsaid.

    Of entries with one key the last counts, as everywhere.
    """
    header = ",".join(headers)
    if len(header) > MAX_HEADER:
        _refuse_whole(header)
        return EMPTY
    if not header:
        return EMPTY
    found = dict(ours_in(header))
    if not found:
        return EMPTY
    named: dict[str, str | None] = {}
    for key, raw in found.items():
        field = _FIELDS[key]
        value = accepted(raw)
        if value is None:
            counts.baggage_refused[field].add()
            say_once(f"an inbound {key} was refused: it is too long, or not made of characters that an id has")
        else:
            named[field] = clean_id(field, value) if field == "thread_id" else received_user(value)
    return Conversation(named.get("thread_id"), named.get("user_id")) if named else EMPTY
