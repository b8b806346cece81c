"""A conversation as span attributes, in the words of the conventions: made once, stamped many times."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import config
from .attributes import GEN_AI_CONVERSATION_ID
from .capture import captured
from .conventions import CONVENTIONS
from .identity import EMPTY, Conversation
from .privacy import utf8

Attributes = dict[str, Any]

# Metadata beyond these bounds goes on the local root only, where it is written once and not on every span.
MAX_METADATA_KEYS = 16
MAX_METADATA_VALUE = 1024

# What no one wants in a telemetry attribute, wherever it is put.
MAX_ROOT_METADATA_KEYS = 64
MAX_ROOT_METADATA_VALUE = 16 * 1024


class Rendered:
    """The attributes of one conversation, by the kind of span that they are for."""

    __slots__ = ("genai", "ids", "length", "plain", "root", "thread_id")

    def __init__(self, thread_id: str | None, plain: Attributes, genai: Attributes) -> None:
        self.thread_id = thread_id
        self.length = 0 if thread_id is None else len(thread_id)
        self.plain = plain
        """For every span."""
        self.genai = genai
        """For GenAI spans and our own: those of `plain` and more."""
        self.ids = plain
        """The thread and the user alone, for a span that has room for little more."""
        self.root: Attributes = {}
        """What only a local root gets, beside the rest."""

    def for_span(self, genai: bool, root: bool) -> Attributes:
        """Return the attributes for a span of that kind; the caller must not change them."""
        found = self.genai if genai else self.plain
        return {**found, **self.root} if root and self.root else found


NOTHING = Rendered(None, {}, {})

_FIELDS = ("thread_id", "user_id", "customer_id", "labels")


def _plan() -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Flatten the conventions: (field, attribute) for every span, for GenAI spans, and the metadata prefixes."""
    every: dict[str, str] = {}
    genai: dict[str, str] = {}
    for convention in CONVENTIONS:
        for field, key in convention.every_span.items():
            every.setdefault(key, field)
        for field, key in convention.genai_spans.items():
            genai.setdefault(key, field)
    prefixes = tuple(c.metadata_prefix for c in CONVENTIONS if c.metadata_prefix)
    as_pairs = tuple((field, key) for key, field in every.items())
    return as_pairs, tuple((field, key) for key, field in genai.items()), prefixes


_EVERY, _GENAI, _PREFIXES = _plan()


def render(conversation: Conversation) -> Rendered:
    """Return the attributes that name `conversation` under the configuration in force."""
    if conversation is EMPTY:
        return NOTHING
    plain: Attributes = {}
    for field, key in _EVERY:
        if value := getattr(conversation, field):
            plain[key] = value
    where = config.active().conversation_id_on
    genai = plain.copy()
    for field, key in _GENAI:
        value = getattr(conversation, field)
        if not value or (key == GEN_AI_CONVERSATION_ID and where == "none"):
            continue
        genai[key] = value
        if key == GEN_AI_CONVERSATION_ID and where == "all":
            plain[key] = value
    rendered = Rendered(conversation.thread_id, plain, genai)
    if conversation.metadata:
        _render_metadata(rendered, conversation.metadata)
    if len(plain) > 2:
        ids = (key for field, key in _EVERY if field in ("thread_id", "user_id"))
        rendered.ids = {key: plain[key] for key in ids if key in plain}
    return rendered


def _render_metadata(rendered: Rendered, metadata: Mapping[str, Any]) -> None:
    for number, (name, value) in enumerate(metadata.items()):
        if number >= MAX_ROOT_METADATA_KEYS:
            break
        written = attribute_value(value)
        size = len(written) if isinstance(written, str) else len(str(written))
        for prefix in _PREFIXES:
            if number < MAX_METADATA_KEYS and size <= MAX_METADATA_VALUE:
                rendered.plain[prefix + name] = written
                rendered.genai[prefix + name] = written
            elif size <= MAX_ROOT_METADATA_VALUE:
                rendered.root[prefix + name] = written


def attribute_value(value: object) -> Any:
    """Return `value` as a span attribute takes it: scalars and arrays of one kind as they are, the rest as JSON."""
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, (bool, float)) or (isinstance(value, int) and value.bit_length() < 64):
        return value
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        kinds = {type(item) for item in value}
        if len(kinds) <= 1 and kinds <= {str, bool, float}:
            return tuple(value)
    return captured(value)[0]
