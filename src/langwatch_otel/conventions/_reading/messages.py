"""Messages of a chat, whoever wrote them: one reading for the shapes of OpenAI, Anthropic, Gemini, LangChain and OTel.

They differ in names alone, so a message is read by looking for each name in turn. Keys such as
`message` and `tool_call`, which OpenInference puts between, are seen through.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...privacy import utf8
from .values import MAX_TEXT, MISSING, id_of, parsed, spelled, text_of

MAX_MESSAGES = 1000
"""Messages of one direction; of more, the last are kept."""
MAX_PARTS = 1000
"""Parts, and tool calls, of one message."""


MAX_ROLE = 64


class ToolCall(NamedTuple):
    """A model's wish to call a tool; `arguments` are JSON, as text."""

    id: str | None
    name: str
    arguments: str = ""


class Message(NamedTuple):
    """What one side said; `media` names what was there beside the text, as `image` or `audio`."""

    role: str
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    media: tuple[str, ...] = ()


_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "AIMessageChunk": "assistant", "function": "tool"}
_BY_TYPE = frozenset({"human", "ai", "AIMessageChunk", "system", "tool", "user", "assistant"})
_LISTS = ("messages", "choices", "contents", "content", "inputs", "input", "kwargs", "output")
_SIMPLE = 3  # Keys: the role, what it said, perhaps why it ended.
_TEXT = ("type", "content")
_COMMON = frozenset({"system", "developer", "user", "assistant"})
_CONTENTS = ("parts", "content", "contents", "tool_calls", "toolCalls", "function_call", "refusal")
_ITEMS = frozenset({"function_call", "function_call_output"})  # Of OpenAI's Responses API.
_CALLS = frozenset({"tool_call", "tool-call", "tool_use", "function_call", "server_tool_call"})
_RESULTS = frozenset(
    {"tool_call_response", "tool-result", "tool_result", "function_call_output", "server_tool_call_response"}
)
_UNSAID = frozenset({"reasoning", "thinking", "redacted_thinking"})
_DATA = frozenset({"blob", "binary", "uri"})
_MEDIA = ("image", "audio", "video", "document", "file")
_MEDIA_KEYS = ("modality", "mime_type", "media_type", "mediaType", "mimeType", "type")


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
        elif not (isinstance(item, dict) and _kind(item) in _UNSAID):
            return ()
    return tuple(read[-MAX_MESSAGES:])


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
    if isinstance(item.get("message"), dict) or item.get("lc") == 1 or _kind(item) in _ITEMS:
        return True
    return ("role" in item or _kind(item) in _BY_TYPE) and any(key in item for key in _CONTENTS)


def _kind(item: Mapping[str, Any]) -> str:
    kind = item.get("type")
    return kind if isinstance(kind, str) else ""


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
    kind = _kind(item)
    said = item.get("role") or (kind if kind in _BY_TYPE else None)
    role = utf8(said[:MAX_ROLE]) if isinstance(said, str) else role
    role = _ROLES.get(role, role)
    draft = _Draft()
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


class _Draft:
    """What the parts of one message come to."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.calls: list[ToolCall] = []
        self.results: list[Message] = []
        self.media: list[str] = []

    def add(self, content: Any) -> None:
        """Take a text, a list of parts, or one part."""
        if isinstance(content, str):
            if text := text_of(content):
                self.texts.append(text)
        elif isinstance(content, (list, tuple)):
            for part in content[:MAX_PARTS]:
                self.part(part)
        elif content is not None:
            self.part(content)

    def part(self, part: Any) -> None:
        """Take one part: text, call, result or medium."""
        if isinstance(part, dict) and isinstance(inner := part.get("message_content"), dict):
            part = inner
        if not isinstance(part, dict):
            if text := text_of(part):
                self.texts.append(text)
            return
        kind = _kind(part)
        if kind in _CALLS or "functionCall" in part or "function_call" in part:
            self.call(part.get("functionCall") or part.get("function_call") or part)
        elif kind in _RESULTS or "functionResponse" in part or "function_response" in part:
            self.result(part.get("functionResponse") or part.get("function_response") or part)
        elif kind not in _UNSAID:
            text = next((found for key in ("text", "content", "refusal") if (found := text_of(part.get(key)))), None)
            if (medium := _medium(part, kind)) is not None:
                self.media.append(medium)
            elif text:
                self.texts.append(text)

    def calls_in(self, calls: Any) -> None:
        """Take the tool calls of a message: a list, JSON of one, or a single old `function_call`."""
        if isinstance(calls, str):
            calls = parsed(calls)
        if isinstance(calls, dict):
            calls = (calls,)
        if isinstance(calls, (list, tuple)):
            for call in calls[:MAX_PARTS]:
                self.call(call)

    def call(self, call: Any) -> None:
        """Take one tool call."""
        if isinstance(call, dict) and isinstance(inner := call.get("tool_call"), dict):
            call = inner
        if not isinstance(call, dict) or len(self.calls) >= MAX_PARTS:
            return
        function = call.get("function")
        of = function if isinstance(function, dict) else call
        name = id_of(of.get("name") or of.get("toolName") or of.get("tool_name"))
        if name is not None:
            arguments = next((of[key] for key in ("arguments", "args", "input", "server_tool_call") if key in of), None)
            number = next((call[key] for key in ("call_id", "id", "toolCallId", "tool_call_id") if key in call), None)
            self.calls.append(ToolCall(id_of(number), name, spelled(arguments)))

    def result(self, part: Any) -> None:
        """Take what a tool answered: a message of its own."""
        if not isinstance(part, dict) or len(self.results) >= MAX_PARTS:
            return
        answers = ("call_id", "tool_use_id", "toolCallId", "tool_call_id", "id")
        number = next((part[key] for key in answers if key in part), None)
        said = ("response", "result", "output", "content", "server_tool_call_response")
        content = next((part[key] for key in said if key in part), None)
        if isinstance(content, (list, tuple)) and are_parts(content):
            inner = _Draft()
            for piece in content[:MAX_PARTS]:
                if isinstance(piece, dict) and (text := text_of(piece.get("text") or piece.get("content"))):
                    inner.texts.append(text)
            content = "\n".join(inner.texts)
        elif isinstance(content, dict) and content.keys() == {"type", "value"}:  # Vercel's.
            content = content["value"]
        name = id_of(part.get("name") or part.get("toolName"))
        self.results.append(Message("tool", spelled(content), (), id_of(number), name))


def are_parts(found: Any) -> bool:
    """Say whether `found` is a list of parts, or one."""
    items = found if isinstance(found, (list, tuple)) else (found,)
    return bool(items) and all(isinstance(item, dict) and isinstance(item.get("type"), str) for item in items)


def _medium(part: Mapping[str, Any], kind: str) -> str | None:
    """Return what kind of medium a part is, None for text."""
    if kind in ("text", "input_text", "output_text", "refusal"):
        return None
    for key in _MEDIA_KEYS:
        if isinstance(value := part.get(key), str):
            for medium in _MEDIA:
                if medium in value[:64]:
                    return medium
    return "file" if kind in _DATA else None
