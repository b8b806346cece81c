"""Input and output: messages where a span has them, else text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .indexed import gathered
from .keys import Meaning
from .messages import MAX_MESSAGES, Message, instructions_of, messages_of
from .transcripts import Direction, Event, Log, Told, directions, told_by_events, told_by_logs, transcript
from .values import MISSING, decoded, parsed, spelled, text_of

Groups = Mapping[str, Sequence[Meaning]]
Found = tuple[Direction, str | None]

_NOTHING: Found = ((), None)
_TYPED = frozenset({"type", "value"})
_NESTED = 4  # LangWatch's lists of typed values.


class Content(NamedTuple):
    """One direction of a span: its messages or its text, and the key that it was taken from."""

    messages: Direction = ()
    text: str | None = None
    took: str = ""

    def __bool__(self) -> bool:
        return bool(self.took)


def content_of(
    groups: Groups, attributes: Mapping[str, Any], events: Iterable[Event], logs: Iterable[Log]
) -> tuple[Content, Content]:
    """Return the input and the output of a span by the order of preference."""
    inputs = groups.get("input", ())
    asked, answered = _first(inputs, attributes, "user"), _first(groups.get("output", ()), attributes, "assistant")
    others = _others(groups, attributes, events, logs)
    while not (asked.messages and answered.messages) and (other := next(others, None)) is not None:
        # Messages have roles, so they replace a text: each direction by itself.
        asked = asked if asked.messages else other[0] or asked
        answered = answered if answered.messages else other[1] or answered
    return _instructed(asked, inputs, attributes), answered


def _others(
    groups: Groups, attributes: Mapping[str, Any], events: Iterable[Event], logs: Iterable[Log]
) -> Iterator[tuple[Content, Content]]:
    yield _of_a_run(groups.get("transcript", ()), attributes)
    yield _told(told_by_events(events))
    yield _told(told_by_logs(logs))


def _instructed(content: Content, inputs: Sequence[Meaning], attributes: Mapping[str, Any]) -> Content:
    """Put system instructions, which the conventions keep apart from the messages, before them."""
    for meaning in inputs:
        if meaning.how == "instructions" and (said := instructions_of(decoded(attributes[meaning.key]))):
            if not content:
                return Content(said, None, meaning.key)
            if content.messages and content.messages[0].role != "system":
                return Content((*said, *content.messages), None, content.took)
    return content


def _of_a_run(meanings: Sequence[Meaning], attributes: Mapping[str, Any]) -> tuple[Content, Content]:
    for meaning in meanings:
        asked, answered = transcript(decoded(attributes[meaning.key]))
        if asked or answered:
            return _messages(asked, meaning.key), _messages(answered, meaning.key)
    return Content(), Content()


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
        messages, text = _read(meaning, meanings, attributes, role)
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
    if how == "prompt":
        return _prompt(value)
    return any_content(value, role)


def any_content(value: Any, role: str, depth: int = _NESTED) -> Found:
    """Return messages where the value holds them, as JSON or as it is, else its text."""
    found = value
    if isinstance(value, str):
        found = parsed(value) if value.lstrip()[:1] in ("{", "[", '"') else MISSING
        if isinstance(found, str):  # MLflow writes a text as JSON; quotes of anyone else's are their own.
            found = MISSING
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
    return tuple(message for message in messages_of([item], "assistant") if message != Message("assistant"))


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
