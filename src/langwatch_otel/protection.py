"""The guard that the texts of a span pass, by what is set and by whose span it is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

from . import config
from ._guard import say_once, swallowed
from .attributes import EXCEPTION_MESSAGE
from .counts import METADATA, left_out
from .identity import Conversation
from .open_span import OpenSpan, open_span_of
from .privacy import Pseudonym
from .recorded_errors import RecordedErrors
from .rendering import MAX_ROOT_METADATA_KEYS, MAX_ROOT_METADATA_VALUE, attribute_value, without_user
from .scope import Scope, refresh
from .texts import TextGuard, WithheldError


def guard_of(span: Span) -> TextGuard | None:
    """Return what one value passes on its way to `span`; None where nothing is set that would change it."""
    chosen = config.active()
    if chosen.redact is None and chosen.user_id_hash_key is None:
        return None
    held = open_span_of(span)
    return TextGuard(chosen.redact, chosen.user_id_hash_key, held.user if held is not None else None)


def write(span: Span, key: str, value: AttributeValue, guard: TextGuard | None) -> None:
    """Set an attribute that passed `guard`, and remember which: a user who is named later is taken out of it."""
    span.set_attribute(key, value)
    if guard is not None and (held := open_span_of(span)) is not None:
        held.written = held.written | {key}
        if held.user != guard.user:  # Named by another thread meanwhile.
            held.hide_user(span)


def note_error(span: Span, guard: TextGuard, *, description: str | None = None) -> None:
    """Remember the description, or the event, that was recorded last, until the user is named: as `write` does."""
    held = open_span_of(span)
    if held is None or guard.user is not None or not guard.hides_users:
        return
    errors = held.errors = held.errors or RecordedErrors()
    held.written = held.written or frozenset((EXCEPTION_MESSAGE,))  # So that a name looks here.
    if description is not None:
        errors.description = description
    else:
        errors.events = (*errors.events, *getattr(span, "events", ())[-1:])
    if held.user is not None:
        held.hide_user(span)


def hide_user_above(scope: Scope, user: Pseudonym) -> None:
    """Take the raw id of a user who is named below `scope` out of what is written where nobody is. Needs the lock."""
    found: Scope | None = scope
    while found is not None:
        if found.named.user_id is None:
            found.below_user = user
            for held in list(found.open):
                if (span := held.span()) is not None and span.is_recording():
                    held.hide_user(span)
            found.own = without_user(found.own, user)
            found.inherited = without_user(found.inherited, user)
            refresh(found)
        found = found.above


def tell_what_is_left_out(scope: Scope, anchor: OpenSpan) -> None:
    """Count metadata that a local root alone takes, where that is another conversation's."""
    root = anchor
    while root.parent is not None:
        root = root.parent
    if scope.rendered.root.keys() - root.given.root.keys() - root.stamped.root.keys():
        left_out[METADATA].add()
        say_once("metadata for the local root is left out: that is of another conversation, or was named before")


def redacted(conversation: Conversation) -> Conversation:
    """Return the conversation with its metadata and labels as `redact` leaves them; what it withholds is left out.

    Once, when they are given: user code must not run while the scope is named, nor on every span.
    """
    redact = config.active().redact
    if redact is None or not (conversation.metadata or conversation.labels):
        return conversation
    metadata: dict[str, Any] = {}
    for name, value in _bounded(conversation.metadata):
        try:
            metadata[name] = attribute_value(value, TextGuard(redact, None, None))
        except WithheldError:
            continue
        except Exception as error:  # A value of the user's own making.
            left_out[METADATA].add()
            swallowed("reading metadata", error)
    labels = []
    guard = TextGuard(redact, None, None)
    for label in conversation.labels:
        try:
            labels.append(guard.text(label, MAX_ROOT_METADATA_VALUE))
        except WithheldError:
            continue
    kept = MappingProxyType(metadata) if metadata else Conversation().metadata
    return conversation._replace(metadata=kept, labels=tuple(label for label in labels if label))


def _bounded(metadata: Mapping[str, Any]) -> islice[tuple[str, Any]]:
    if len(metadata) > MAX_ROOT_METADATA_KEYS:
        left_out[METADATA].add()
        say_once("metadata beyond 64 keys is left out")
    return islice(metadata.items(), MAX_ROOT_METADATA_KEYS)
