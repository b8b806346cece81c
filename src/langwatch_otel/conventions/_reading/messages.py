"""Messages of a chat, whoever wrote them: one reading for the shapes of OpenAI, Anthropic, Gemini, LangChain and OTel.

They differ in names alone, so a message is read by looking for each name in turn. Keys such as
`message` and `tool_call`, which OpenInference puts between, are seen through.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...privacy import utf8
from .parts import MAX_PARTS, UNSAID, Draft, Message, kind_of
from .values import MAX_TEXT, MISSING, id_of

MAX_MESSAGES = 1000
"""Messages of one direction; of more, the last are kept."""
MAX_ROLE = 64
"""Characters of a role."""


_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "AIMessageChunk": "assistant", "function": "tool"}
_BY_TYPE = frozenset({"human", "ai", "AIMessageChunk", "system", "tool", "user", "assistant"})
_LISTS = ("messages", "choices", "contents", "content", "inputs", "input", "kwargs", "output")
_is_of_text = frozenset(
    {"role", "content", "parts", "name", "finish_reason", "refusal", "tool_calls", "message"}
).issuperset
_is_text = frozenset({"type", "text", "content"}).issuperset
_ROLE_AND_TEXT = 2
_TEXTS = frozenset({"text", "input_text", "output_text"})
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
    """Return a message of text alone, as most are: the same as `_messages` says, several times as fast."""
    if type(item) is not dict:
        return None
    if type(inner := item.get("message")) is dict:
        item = inner
    role = item.get("role")
    if type(role) is not str or role not in _COMMON or not _is_of_text(item):
        return None
    content, name = item.get("content"), None
    if content is None:
        content = item.get("parts")
    elif "parts" in item:
        return None
    if len(item) > _ROLE_AND_TEXT:
        if item.get("refusal") or item.get("tool_calls"):
            return None
        name = id_of(item.get("name"))
    if type(content) is list:
        content = _joined(content)
    if type(content) is not str or not content or len(content) > MAX_TEXT:
        return None
    # What the class itself does, in half of the time.
    return tuple.__new__(Message, (role, content if content.isascii() else utf8(content), (), None, name, ()))


def _joined(parts: list[Any]) -> str | None:
    """Return the texts of parts that are texts, None where one is something else."""
    texts: list[str] = []
    if len(parts) > MAX_PARTS:
        return None
    for part in parts:
        if type(part) is not dict or not _is_text(part):
            return None
        kind, text = part.get("type", "text"), part.get("text") or part.get("content")
        if type(kind) is not str or kind not in _TEXTS or type(text) is not str or len(text) > MAX_TEXT:
            return None
        texts.append(text)
    return "\n".join(texts)


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
