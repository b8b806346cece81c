"""Conversation: the immutable value that names a thread and who takes part in it."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from . import config, counts
from ._guard import say_once, swallowed
from .counts import LABELS, METADATA
from .privacy import Pseudonym, cut, pseudonym, received_pseudonym, utf8

_NOTHING: Mapping[str, Any] = MappingProxyType({})

MAX_LABELS = 1000
MAX_LABEL = 16 * 1024

# What the LangWatch SDK's users write in `metadata=`, and which field it is.
METADATA_FIELDS: Mapping[str, str] = {
    "thread_id": "thread_id",
    "threadId": "thread_id",
    "user_id": "user_id",
    "userId": "user_id",
    "customer_id": "customer_id",
    "customerId": "customer_id",
    "labels": "labels",
}


class Conversation(NamedTuple):
    """Who and what a span belongs to: an immutable value; a field that nobody named is None or empty."""

    thread_id: str | None = None
    user_id: str | None = None
    customer_id: str | None = None
    labels: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = _NOTHING

    def __bool__(self) -> bool:
        return self != EMPTY

    def __hash__(self) -> int:
        return hash(self[:4])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Conversation):
            return NotImplemented
        if (
            self.thread_id != other.thread_id
            or self.user_id != other.user_id
            or self.customer_id != other.customer_id
            or self.labels != other.labels
        ):
            return False
        try:
            return self.metadata is other.metadata or bool(self.metadata == other.metadata)
        except Exception:  # The user's values compare themselves: two arrays of numpy have no answer.
            return False

    def __ne__(self, other: object) -> bool:
        return not self == other  # A tuple's own would compare the metadata, and may raise.

    def __reduce__(self) -> tuple[Any, ...]:
        # Handed to another process, say: the view of the metadata cannot be pickled.
        return _restored, (*self[:4], dict(self.metadata))

    def over(self, below: "Conversation") -> "Conversation":
        """Return this conversation, with what it lacks taken from `below`; metadata is merged key by key."""
        if below is EMPTY or self is below:
            return self
        if self is EMPTY:
            return below
        if below.metadata and self.metadata:
            metadata: Mapping[str, Any] = MappingProxyType({**below.metadata, **self.metadata})
        else:
            metadata = self.metadata or below.metadata
        return Conversation(
            self.thread_id or below.thread_id,
            self.user_id or below.user_id,
            self.customer_id or below.customer_id,
            self.labels or below.labels,
            metadata,
        )


EMPTY = Conversation()

_PLACES = {key: Conversation._fields.index(field) for key, field in METADATA_FIELDS.items()}


def _restored(*fields: Any) -> Conversation:
    metadata = MappingProxyType(fields[-1]) if fields[-1] else _NOTHING
    return Conversation._make((*fields[:-1], metadata)) if any(fields) else EMPTY


def conversation_of(
    thread_id: object = None,
    user_id: object = None,
    customer_id: object = None,
    labels: object = None,
    metadata: Mapping[str, Any] | None = None,
) -> Conversation:
    """Return the conversation that the fields name; what cannot be used is refused: logged once, left out.

    `metadata` may carry the other fields, as in the LangWatch SDK; an argument of its own wins.
    """
    rest: Mapping[str, Any] = _NOTHING
    if metadata is not None:
        given = [thread_id, user_id, customer_id, labels]
        try:
            rest = _split(metadata, given)
            thread_id, user_id, customer_id, labels = given
        except Exception as error:  # A mapping of the user's own making.
            counts.left_out[METADATA].add()
            swallowed("reading metadata", error)
    chosen = config.in_force or config.active()
    longest, hashed = chosen.max_id_length, chosen.user_id_hash_key is not None
    fields = (
        None if thread_id is None else _clean("thread_id", thread_id, longest),
        None if user_id is None else _user(user_id, chosen) if hashed else _clean("user_id", user_id, longest),
        None if customer_id is None else _clean("customer_id", customer_id, longest),
        () if labels is None else _clean_labels(labels),
        rest,
    )
    # A named tuple's own constructor is one more Python call, for every turn.
    return tuple.__new__(Conversation, fields) if fields[0] or any(fields) else EMPTY


def clean_id(name: str, value: object) -> str | None:
    """Return `value` as an id of at most `max_id_length` characters, or None where it names nothing.

    `str`, `int` and `uuid.UUID` are ids; blank ones name nothing; anything else is refused and logged once.
    """
    return _clean(name, value, config.active().max_id_length)


def _clean(name: str, value: object, longest: int) -> str | None:
    if type(value) is str and value.isascii() and len(value) <= longest:
        return None if not value or value.isspace() else value
    text = _text(name, value)
    return text if text is None or len(text) <= longest else _cut(name, text, longest)


def _cut(name: str, text: str, longest: int) -> str:
    left = cut(text, longest)
    counts.was_cut(name, counts.MAX_ID_LENGTH, left)
    say_once(f"{name} cut: it is longer than max_id_length, and ends in a hash of the whole")
    return left


def _user(value: object, chosen: config.Config) -> str | None:
    """Return the user's id, or where there is a key for it its pseudonym, made of the whole id."""
    key = chosen.user_id_hash_key
    if isinstance(value, Pseudonym):
        return value
    if key is None:
        return _clean("user_id", value, chosen.max_id_length)
    text = _text("user_id", value)
    if text is not None and key == config.NO_KEY:
        counts.ids_refused["user_id"].add()
        return None
    return None if text is None else pseudonym(text, key)


def received_user(text: str) -> str | None:
    """Return a user's id that came from another service: where users are hashed, its pseudonym or one of our own."""
    chosen = config.active()
    hashed = chosen.user_id_hash_key is not None
    return (received_pseudonym(text) if hashed else None) or _user(text, chosen)


def _text(name: str, value: object) -> str | None:
    if isinstance(value, str):
        text = value if type(value) is str else str.__str__(value)
    elif isinstance(value, (int, UUID)) and not isinstance(value, bool):
        try:  # Not `str(value)`: a subclass may say anything there, or raise.
            text = int.__repr__(value) if isinstance(value, int) else UUID.__str__(value)
        except ValueError:  # An int of more digits than Python turns into text.
            counts.ids_refused[name].add()
            say_once(f"{name} refused: an int of that many digits has no text")
            return None
    else:
        counts.ids_refused[name].add()
        say_once(f"{name} refused: an id is a str, an int or a uuid.UUID, got {type(value).__name__}")
        return None
    return None if not text or text.isspace() else utf8(text)


def _split(metadata: Mapping[str, Any], fields: list[object]) -> Mapping[str, Any]:
    """Fill `fields` from those of `metadata` that are fields, and return the rest of it."""
    if type(metadata) is not dict and not isinstance(metadata, Mapping):
        counts.left_out[METADATA].add()
        say_once(f"metadata refused: it is a mapping, got {type(metadata).__name__}")
        return _NOTHING
    rest: dict[str, Any] | None = None
    for key, value in metadata.items():
        if value is None:
            continue
        if (place := _PLACES.get(key)) is None:
            rest = {} if rest is None else rest
            rest[utf8(str(key))] = value
        elif fields[place] is None:
            fields[place] = value
    return _NOTHING if rest is None else MappingProxyType(rest)


def _clean_labels(labels: object) -> tuple[str, ...]:
    try:
        return _labels(labels)
    except Exception as error:  # An iterable of the user's own making.
        counts.left_out[LABELS].add()
        swallowed("reading labels", error)
        return ()


def _labels(labels: object) -> tuple[str, ...]:
    if isinstance(labels, str):
        labels = (labels,)
    if not isinstance(labels, Iterable) or isinstance(labels, (bytes, Mapping)):
        counts.left_out[LABELS].add()
        say_once(f"labels refused: they are a list of strings, got {type(labels).__name__}")
        return ()
    kept: list[str] = []
    for number, label in enumerate(labels):
        if number >= MAX_LABELS:  # An iterator need not end.
            counts.left_out[LABELS].add()
            say_once("labels beyond the first 1,000 are left out")
            break
        if not isinstance(label, str):
            counts.left_out[LABELS].add()
            say_once(f"a label refused: it is a str, got {type(label).__name__}")
        elif len(label) > MAX_LABEL:
            counts.left_out[LABELS].add()
            say_once("a label of more than 16 KiB is left out")
        elif label:
            kept.append(utf8(label))
    return tuple(kept)
