"""A conversation as span attributes, in the words of the conventions: made once, stamped many times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from . import config, counts
from ._guard import say_once, swallowed
from .attributes import GEN_AI_CONVERSATION_ID, USER_HASH
from .capture import captured, cut_text
from .conventions._convention import EVERY_SPAN, GENAI_SPANS, JSON, LOCAL_ROOT
from .counts import METADATA
from .identity import EMPTY, Conversation
from .privacy import Pseudonym, utf8
from .spelling import IDS, Spelling, spelling_of
from .texts import TextGuard

Attributes = dict[str, Any]

# Metadata beyond these bounds goes on the local root only, where it is written once and not on every span.
MAX_METADATA_KEYS = 16
MAX_METADATA_VALUE = 1024

# What no one wants in a telemetry attribute, wherever it is put.
MAX_ROOT_METADATA_KEYS = 64
MAX_ROOT_METADATA_VALUE = 16 * 1024

MAX_ARRAY = 1024  # A longer one is JSON, which is cut.


class Rendered:
    """The attributes of one conversation, by the kind of span that they are for."""

    __slots__ = ("genai", "inbound", "length", "plain", "root", "spelling", "thread_id", "weak", "whole")

    def __init__(
        self, thread_id: str | None, length: int, plain: Attributes, genai: Attributes, spelling: Spelling
    ) -> None:
        self.thread_id = thread_id
        self.whole = False
        """Both the thread and the user are named: nothing that an ended span would miss."""
        self.inbound = False
        """Some of the ids came in by baggage, so that a name may still change what an ended span says."""
        self.weak = False
        """The thread came in by baggage: any name of the application's replaces it, on spans too."""
        self.length = length
        """Of the longest id."""
        self.plain = plain
        """For every span."""
        self.genai = genai
        """For GenAI spans and our own: those of `plain` and more."""
        self.root: Attributes = _NO_MORE
        """What only a local root gets, beside the rest."""
        self.spelling = spelling

    def received(self, inbound: bool, weak: bool) -> Rendered:
        """Return a copy with a note of what came in with the request: what `render` gave is shared."""
        # By hand: `copy.copy` takes eight times as long, and every request that brings an id comes by.
        found = Rendered(self.thread_id, self.length, self.plain, self.genai, self.spelling)
        found.root = self.root
        found.inbound = inbound
        found.weak = weak
        found.whole = self.whole and not inbound
        return found

    @property
    def ids(self) -> Attributes:
        """The thread and the user alone, for a span that has room for little more."""
        return {key: value for key, value in self.plain.items() if key in self.spelling.short}

    def for_span(self, genai: bool, root: bool) -> Attributes:
        """Return the attributes for a span of that kind; the caller must not change them."""
        found = self.genai if genai else self.plain
        return {**found, **self.root} if root and self.root else found


_NO_MORE: Attributes = {}
NOTHING = Rendered(None, 0, {}, {}, spelling_of(config.Config().conventions))


# What names a request - headers, a body, a block, the handler - mostly says one and the same conversation.
MAX_RECENT = 256

_recent: tuple[config.Config | None, dict[tuple[str | None, ...], Rendered]] = None, {}


def render(conversation: Conversation) -> Rendered:
    """Return the attributes that name `conversation` under the configuration in force; share it, do not change it."""
    global _recent
    if conversation is EMPTY:
        return NOTHING
    chosen = config.in_force or config.active()
    # Small ones alone, and no pseudonym: that knows the raw id, which is to go with its conversation.
    if conversation[4] or conversation[3] or type(conversation[1]) is Pseudonym:
        return _render(conversation, chosen)
    under, recent = _recent
    if under is not chosen or len(recent) >= MAX_RECENT:
        recent = {}
        _recent = chosen, recent
    ids = conversation[:3]
    found = recent.get(ids)
    if found is None:
        found = recent[ids] = _render(conversation, chosen)
    return found


def _render(conversation: Conversation, chosen: config.Config) -> Rendered:
    spelling = spelling_of(chosen.conventions)
    plain: Attributes = {}
    if isinstance(conversation.user_id, Pseudonym):
        plain[USER_HASH] = conversation.user_id
        conversation = without_user(conversation, conversation.user_id)
    length = 0
    fields = tuple(conversation)  # A plain one is read faster than one with names.
    for place, key, shaped in spelling.every:
        if value := fields[place]:
            plain[key] = value = value if shaped is None else shaped(value)
            if place < IDS and len(value) > length:
                length = len(value)
    where = chosen.conversation_id_on
    genai = plain.copy()
    for place, key, shaped in spelling.genai:
        if value := fields[place]:
            value = value if shaped is None else shaped(value)
            if key != GEN_AI_CONVERSATION_ID or where == "genai":
                genai[key] = value
            elif where == "all":
                plain[key] = genai[key] = value
            if place < IDS and len(value) > length:
                length = len(value)
    rendered = Rendered(conversation.thread_id, length, plain, genai, spelling)
    rendered.whole = conversation.thread_id is not None and conversation.user_id is not None
    if spelling.root:
        rendered.root = {
            key: value if shaped is None else shaped(value)
            for place, key, shaped in spelling.root
            if (value := conversation[place])
        }
    if conversation.metadata:
        _render_metadata(rendered, conversation.metadata)
    return rendered


def guard_against(user: str) -> TextGuard:
    """Return what takes the raw id of that pseudonym out of texts that were written."""
    return TextGuard(None, config.active().user_id_hash_key, user)


def without_user(conversation: Conversation, user: Pseudonym) -> Conversation:
    """Return the conversation with the user's raw id taken out of its metadata and labels; what has none stays."""
    if not conversation.metadata and not conversation.labels:
        return conversation
    guard = guard_against(user)
    labels = tuple(guard.without_user(label) for label in conversation.labels)
    metadata = dict[str, Any]()
    for number, (name, value) in enumerate(conversation.metadata.items()):
        if number >= MAX_ROOT_METADATA_KEYS:
            metadata[name] = value  # It is not written.
            continue
        try:
            written = attribute_value(value)
            told = guard.value_without_user(attribute_value(value, guard))
            metadata[guard.without_user(name)] = value if told == written else told
        except Exception:  # Of the user's own making, and whoever writes it says so.
            metadata[name] = value
    if labels == conversation.labels and metadata == conversation.metadata:
        return conversation
    return conversation._replace(labels=labels, metadata=MappingProxyType(metadata))


def _render_metadata(rendered: Rendered, metadata: Mapping[str, Any]) -> None:
    spelling = rendered.spelling
    everywhere: Attributes = {}
    on_root: Attributes = {}
    for number, (name, value) in enumerate(metadata.items()):
        if number >= MAX_ROOT_METADATA_KEYS:
            counts.left_out[METADATA].add()
            say_once("metadata beyond 64 keys is left out")
            break
        if isinstance(value, str) and len(value) > MAX_ROOT_METADATA_VALUE:
            counts.left_out[METADATA].add()
            say_once("a metadata value of more than 16 KiB is left out")
            continue
        try:
            written = utf8(value) if isinstance(value, str) else attribute_value(value)
        except Exception as error:  # A value of the user's own making; the ids must not suffer for it.
            counts.left_out[METADATA].add()
            swallowed("writing metadata", error)
            continue
        size = _bytes(written if isinstance(written, str) else str(written))
        if number < MAX_METADATA_KEYS and size <= MAX_METADATA_VALUE:
            everywhere[name] = written
        elif size <= MAX_ROOT_METADATA_VALUE:
            on_root[name] = written
        else:
            counts.left_out[METADATA].add()
            say_once("a metadata value of more than 16 KiB is left out")
    targets = {
        EVERY_SPAN: (rendered.plain, rendered.genai),
        GENAI_SPANS: (rendered.genai,),
        LOCAL_ROOT: (root := dict(rendered.root),),
    }
    for write in spelling.metadata:
        for target in targets[write.on]:
            target.update(spelling.named(write, everywhere))
        if on_root:
            root.update(spelling.named(write, {**everywhere, **on_root} if write.shape == JSON else on_root))
    if root:
        rendered.root = root


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))


def attribute_value(value: object, guard: TextGuard | None = None) -> Any:
    """Return `value` as a span attribute takes it: scalars and arrays of one kind as they are, the rest as JSON.

    `guard` sees every text in it, and raises where that must not be written.
    """
    if isinstance(value, str):
        return cut_text(value) if guard is None else utf8(guard.text(value, MAX_ROOT_METADATA_VALUE))
    if isinstance(value, (bool, float)) or (isinstance(value, int) and value.bit_length() < 64):
        return value if guard is None or isinstance(value, bool) else guard.number(value)
    if isinstance(value, (list, tuple)) and len(value) <= MAX_ARRAY:
        kinds = {type(item) for item in value}
        if kinds <= {str}:
            if sum(map(len, value)) <= MAX_ROOT_METADATA_VALUE:
                texts = value if guard is None else [guard.text(item, MAX_ROOT_METADATA_VALUE) for item in value]
                return tuple(utf8(item) for item in texts)
        elif (
            len(kinds) == 1
            and _are_numbers(kinds, value)
            and (guard is None or kinds == {bool} or all(guard.number(item) == item for item in value))
        ):
            return tuple(value)
    return captured(value, guard)[0]


def _are_numbers(kinds: set[type], value: Sequence[Any]) -> bool:
    return kinds <= {bool, float} or (kinds == {int} and all(item.bit_length() < 64 for item in value))
