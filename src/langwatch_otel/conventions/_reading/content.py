"""Input and output: messages where a span has them, else text."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from ..._guard import swallowed
from .grouped import Attributes, Grouped, Groups
from .indexed import gathered
from .keys import Meaning
from .messages import MAX_MESSAGES, instructions_of, messages_of, speaking
from .parts import Message
from .transcripts import Direction, Event, Log, Told, directions, told_by_events, told_by_logs, transcript
from .values import MISSING, decoded, parsed, spelled, text_of

Found = tuple[Direction, str | None]

CONTENT = ("input", "output", "transcript")
"""The fields of a key's meaning that are content."""
_NOTHING: Found = ((), None)
_TELLING = ('"role"', '"type"')
"""Without one of these, JSON holds no messages, and need not be parsed."""
_TYPED = frozenset({"type", "value"})
_NESTED = 4  # LangWatch's lists of typed values.


class Content(NamedTuple):
    """One direction of a span: its messages or its text, and the key that it was taken from."""

    messages: Direction = ()
    text: str | None = None
    took: str = ""

    def __bool__(self) -> bool:
        return bool(self.took)


NO_CONTENT = Content()
SILENCE = (NO_CONTENT, NO_CONTENT)
Unread = tuple[Grouped | None, tuple[Any, ...], Sequence[Told], Sequence[Told]]


class Said:
    """Input and output of one span, read when they are first asked for; two are the same when these are."""

    __slots__ = ("_read", "_unread")

    def __init__(self, read: tuple[Content, Content] = SILENCE, unread: Unread | None = None) -> None:
        self._read = read
        self._unread = unread

    @property
    def input(self) -> Content:
        """What went in."""
        return (self._now() if self._unread else self._read)[0]

    @property
    def output(self) -> Content:
        """What came out."""
        return (self._now() if self._unread else self._read)[1]

    def _now(self) -> tuple[Content, Content]:
        # Two threads may both read, and come to the same: the result is there before what it is read from goes.
        if (unread := self._unread) is not None:
            try:
                self._read = _content(*unread)
            except Exception as error:  # A shape that nobody thought of.
                swallowed("reading messages", error)
            self._unread = None
        return self._read

    def __eq__(self, other: object) -> bool:
        return (self.input, self.output) == (other.input, other.output) if isinstance(other, Said) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.input, self.output))

    def __repr__(self) -> str:
        return f"Said(input={self.input!r}, output={self.output!r})"

    def __reduce__(self) -> tuple[type["Said"], tuple[tuple[Content, Content]]]:
        return Said, ((self.input, self.output),)


SILENT = Said()


def said(content: Grouped | None, attributes: Attributes, events: Iterable[Event], logs: Iterable[Log]) -> Said:
    """Keep what a span's content is read from, so that it can be read later."""
    by_events, by_logs = told_by_events(events), told_by_logs(logs)
    if content is None and not by_events and not by_logs:
        return SILENT
    values = content.values(attributes) if content is not None else ()
    return Said(SILENCE, (content, values, by_events, by_logs))


def _content(
    content: Grouped | None, values: tuple[Any, ...], by_events: Sequence[Told], by_logs: Sequence[Told]
) -> tuple[Content, Content]:
    groups: Groups = content.groups if content is not None else {}
    attributes = dict(zip(content.keys, values, strict=True)) if content is not None else {}
    inputs = groups.get("input", ())
    asked, answered = _first(inputs, attributes, "user"), _first(groups.get("output", ()), attributes, "assistant")
    for other in chain(
        map(partial(_of_a_run, attributes), groups.get("transcript", ())), map(_told, (by_events, by_logs))
    ):
        if asked.messages and answered.messages:
            break
        # Messages have roles, so they replace a text: each direction by itself.
        asked = asked if asked.messages else other[0] or asked
        answered = answered if answered.messages else other[1] or answered
    return _instructed(asked, inputs, attributes), answered


def _instructed(content: Content, inputs: Sequence[Meaning], attributes: Mapping[str, Any]) -> Content:
    """Put system instructions, which the conventions keep apart from the messages, before them."""
    for meaning in inputs:
        if meaning.how == "instructions" and (said := instructions_of(decoded(attributes[meaning.key]))):
            if not content:
                return Content(said, None, meaning.key)
            if content.messages and content.messages[0].role != "system":
                return Content((*said, *content.messages), None, content.took)
    return content


def _of_a_run(attributes: Mapping[str, Any], meaning: Meaning) -> tuple[Content, Content]:
    asked, answered = transcript(decoded(attributes[meaning.key]))
    return _messages(asked, meaning.key), _messages(answered, meaning.key)


def _told(told: Sequence[Told]) -> tuple[Content, Content]:
    if not told:
        return Content(), Content()
    asked, answered = directions(told)
    return _messages(asked, told[0][0]), _messages(answered, told[-1][0])


def _messages(messages: Direction, took: str) -> Content:
    return Content(messages, None, took) if messages else Content()


def _first(meanings: Sequence[Meaning], attributes: Mapping[str, Any], role: str) -> Content:
    seen = -1
    for meaning in meanings:
        if meaning.rank == seen:  # The next of the same indexed keys.
            continue
        seen = meaning.rank
        found, text = _read(meaning, meanings, attributes, role)
        messages = speaking(found)
        if messages or text:
            whole = len(".".join(meaning.path))
            return Content(messages, text, meaning.key[: -whole - 1] if whole else meaning.key)
    return Content()


def _read(meaning: Meaning, meanings: Sequence[Meaning], attributes: Mapping[str, Any], role: str) -> Found:
    how = meaning.how
    if how == "instructions":
        return _NOTHING
    if meaning.path:
        found = gathered((other.path, attributes[other.key]) for other in meanings if other.rank == meaning.rank)
        return (messages_of(found, role), None) if how == "indexed" else (_texts(found, role), None)
    value = attributes[meaning.key]
    if how in ("said", "calls"):
        return _answer(attributes), None
    if how == "text":
        return (), spelled(value) or None
    if how == "json" and ((said := decoded(value)) is None or isinstance(said, str)):
        return (), text_of(said)
    if how == "prompt":
        return _prompt(value)
    return any_content(value, role)


def any_content(value: Any, role: str, depth: int = _NESTED) -> Found:
    """Return messages where the value holds them, as JSON or as it is, else its text."""
    found = value
    if isinstance(value, str):
        found = parsed(value) if any(map(value.__contains__, _TELLING)) else MISSING
    if found is MISSING or isinstance(found, bytes):
        return (), text_of(value)
    if isinstance(found, dict) and found.keys() == _TYPED and isinstance(found["type"], str):
        return _typed(found, role, depth)
    messages = messages_of(found, role)
    return (messages, None) if messages else ((), text_of(value) or spelled(value) or None)


def _typed(found: Mapping[str, Any], role: str, depth: int) -> Found:
    """LangWatch's `{"type": "chat_messages", "value": [...]}`."""
    kind, value = found["type"], found["value"]
    if kind in ("text", "raw") and isinstance(value, str):
        return (), text_of(value)
    if kind == "list" and isinstance(value, list) and depth:
        read = [any_content(item, role, depth - 1) for item in value[:MAX_MESSAGES]]
        messages = tuple(message for inner, _ in read for message in inner)
        texts = [text for _, text in read if text]
        return (messages, None) if messages else ((), "\n".join(texts) or None)
    if messages := messages_of(value, role):
        return messages, None
    return (), spelled(value) or None


def _texts(found: Any, role: str) -> Direction:
    """OpenInference's prompts and choices of the old completions API."""
    said: list[Message] = []
    for item in found if isinstance(found, list) else ():
        for key in ("prompt", "completion"):
            inner = item.get(key) if isinstance(item, dict) else None
            if isinstance(inner, dict) and (text := text_of(inner.get("text"))):
                said.append(Message(role, text))
    return tuple(said[-MAX_MESSAGES:])


def _answer(attributes: Mapping[str, Any]) -> Direction:
    """Vercel writes the text and the tool calls of one message beside each other."""
    calls = attributes.get("ai.response.toolCalls")
    item = {"role": "assistant", "content": attributes.get("ai.response.text"), "tool_calls": calls}
    return messages_of([item], "assistant")


def _prompt(value: Any) -> Found:
    """Vercel's `{"system": ..., "messages": [...]}`, or `prompt` for messages."""
    found = decoded(value)
    if not isinstance(found, dict):
        return any_content(value, "user")
    system = instructions_of(found.get("system")) if isinstance(found.get("system"), str) else ()
    prompt = found.get("prompt")
    said = (
        (Message("user", prompt),) if isinstance(prompt, str) else messages_of(found.get("messages") or prompt, "user")
    )
    return ((*system, *said), None) if said else any_content(value, "user")
