"""Messages of a chat, whoever wrote them: one reading for the shapes of OpenAI, Anthropic, Gemini, LangChain and OTel.

They differ in names alone, so a message is read by looking for each name in turn. Keys such as
`message` and `tool_call`, which OpenInference puts between, are seen through.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...privacy import utf8
from .parts import UNSAID, Draft, Message, kind_of
from .values import MAX_TEXT, MISSING, id_of

MAX_MESSAGES = 1000
"""Messages of one direction; of more, the last are kept."""
MAX_ROLE = 64
"""Characters of a role."""


_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "AIMessageChunk": "assistant", "function": "tool"}
_BY_TYPE = frozenset({"human", "ai", "AIMessageChunk", "system", "tool", "user", "assistant"})
_LISTS = ("messages", "choices", "contents", "content", "inputs", "input", "kwargs", "output")
_SIMPLE = 3  # Keys: the role, what it said, perhaps why it ended.
_TEXT = ("type", "content")
_COMMON = frozenset({"system", "developer", "user", "assistant"})
_CONTENTS = ("parts", "content", "contents", "tool_calls", "toolCalls", "function_call", "refusal")
_ITEMS = frozenset({"function_call", "function_call_output"})  # Of OpenAI's Responses API.


def messages_of(found: Any, role: str) -> tuple[Message, ...]:
    """Return the messages in `found`, which JSON or a key's parts gave; none where it holds none.

    `role` is for a message that names no role of its own.
    """
    read: list[Message] = []
    for item in _listed(found)[-MAX_MESSAGES:]:
        if (message := _simple(item)) is not None:
            read.append(message)
        elif _is_message(item):
            read.extend(_messages(item, role))
        elif not (isinstance(item, dict) and kind_of(item) in UNSAID):
            return ()
    return tuple(read[-MAX_MESSAGES:])


def speaking(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Return the messages that say something: without content capture, an instrumentation records mere roles."""
    return tuple(message for message in messages if message.content or message.tool_calls or message.media)


def instructions_of(found: Any) -> tuple[Message, ...]:
    """Return system instructions, a list of parts or a text, as one message."""
    if found is MISSING or found is None:
        return ()
    return tuple(_messages({"role": "system", "parts": found}, "system"))


def _listed(found: Any) -> Sequence[Any]:
    if isinstance(found, dict):
        if _is_message(found):
            return (found,)
        for key in _LISTS:
            inner = found.get(key)
            if isinstance(inner, (list, tuple)) and inner:
                return _listed(inner)
            if isinstance(inner, dict) and isinstance(inner.get("messages"), (list, tuple)):
                return _listed(inner["messages"])
            if key == "content" and _is_message(inner):  # Gemini's answer.
                return (inner,)
        return ()
    if not isinstance(found, (list, tuple)):
        return ()
    return found[0] if len(found) == 1 and isinstance(found[0], (list, tuple)) else found  # LangChain's batch of one.


def _is_message(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    if isinstance(item.get("message"), dict) or item.get("lc") == 1 or kind_of(item) in _ITEMS:
        return True
    return ("role" in item or kind_of(item) in _BY_TYPE) and any(key in item for key in _CONTENTS)


def _simple(item: Any) -> Message | None:
    """Return a message of one text, as most are: the same as `_messages` says, several times as fast."""
    if type(item) is not dict or len(item) > _SIMPLE or (len(item) == _SIMPLE and "finish_reason" not in item):
        return None
    role, content = item.get("role"), item.get("content")
    if content is None and type(parts := item.get("parts")) is list and len(parts) == 1:
        part = parts[0]
        if type(part) is dict and len(part) == len(_TEXT) and part.get("type") == "text":
            content = part.get("content")
    if type(content) is str and type(role) is str and content and role in _COMMON and len(content) <= MAX_TEXT:
        return Message(role, content if content.isascii() else utf8(content))
    return None


def _messages(item: Mapping[str, Any], role: str) -> Iterator[Message]:
    for wrapper in ("message", "kwargs"):
        if isinstance(inner := item.get(wrapper), dict):
            item = inner
    kind = kind_of(item)
    said = item.get("role") or (kind if kind in _BY_TYPE else None)
    role = utf8(said[:MAX_ROLE]) if isinstance(said, str) else role
    role = _ROLES.get(role, role)
    draft = Draft()
    if kind in _ITEMS:
        role = "assistant"
        draft.part(item)
    for key in ("parts", "content", "contents", "refusal"):
        draft.add(item.get(key))
    for key in ("tool_calls", "toolCalls", "function_call"):
        draft.calls_in(item.get(key))
    if "function_call_name" in item:
        draft.call({"name": item["function_call_name"], "arguments": item.get("function_call_arguments_json")})
    name = None if kind in _ITEMS else id_of(item.get("name"))
    answers = id_of(item.get("tool_call_id") or item.get("toolCallId") or (item.get("id") if role == "tool" else None))
    if draft.texts or draft.calls or draft.media or not draft.results:
        content = "\n".join(draft.texts)
        yield Message(role, content, tuple(draft.calls), answers, name, tuple(draft.media))
    yield from draft.results
