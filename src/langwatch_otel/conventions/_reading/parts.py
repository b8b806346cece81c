"""The parts of a message: text, tool calls, what tools answered, media."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .values import id_of, parsed, spelled, text_of

MAX_PARTS = 1000
"""Parts, and tool calls, of one message."""


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


_CALLS = frozenset({"tool_call", "tool-call", "tool_use", "function_call", "server_tool_call"})
_RESULTS = frozenset(
    {"tool_call_response", "tool-result", "tool_result", "function_call_output", "server_tool_call_response"}
)
_CALL_KEYS = ("functionCall", "function_call", "toolUse")  # Of Gemini and Bedrock, whose parts have no type.
_RESULT_KEYS = ("functionResponse", "function_response", "toolResult")
UNSAID = frozenset({"reasoning", "thinking", "redacted_thinking"})
_DATA = frozenset({"blob", "binary", "uri"})
_MEDIA = ("image", "audio", "video", "document", "file")
_MEDIA_KEYS = ("modality", "mime_type", "media_type", "mediaType", "mimeType", "type")


class Draft:
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
        kind = kind_of(part)
        if (called := _inner(part, kind, _CALLS, _CALL_KEYS)) is not None:
            self.call(called)
        elif (answer := _inner(part, kind, _RESULTS, _RESULT_KEYS)) is not None:
            self.result(answer)
        elif kind not in UNSAID:
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
            number = next(
                (call[key] for key in ("call_id", "id", "toolCallId", "toolUseId", "tool_call_id") if key in call), None
            )
            self.calls.append(ToolCall(id_of(number), name, spelled(arguments)))

    def result(self, part: Any) -> None:
        """Take what a tool answered: a message of its own."""
        if not isinstance(part, dict) or len(self.results) >= MAX_PARTS:
            return
        answers = ("call_id", "tool_use_id", "toolUseId", "toolCallId", "tool_call_id", "id")
        number = next((part[key] for key in answers if key in part), None)
        said = ("response", "result", "output", "content", "server_tool_call_response")
        content = next((part[key] for key in said if key in part), None)
        if isinstance(content, (list, tuple)) and are_parts(content):
            inner = Draft()
            for piece in content[:MAX_PARTS]:
                if isinstance(piece, dict) and (text := text_of(piece.get("text") or piece.get("content"))):
                    inner.texts.append(text)
            content = "\n".join(inner.texts)
        elif isinstance(content, dict) and content.keys() == {"type", "value"}:  # Vercel's.
            content = content["value"]
        name = id_of(part.get("name") or part.get("toolName"))
        self.results.append(Message("tool", spelled(content), (), id_of(number), name))


def _inner(part: dict[str, Any], kind: str, kinds: frozenset[str], keys: tuple[str, ...]) -> Any:
    return next((part[key] for key in keys if key in part), part if kind in kinds else None)


def are_parts(found: Any) -> bool:
    """Say whether `found` is a list of parts, or one."""
    items = found if isinstance(found, (list, tuple)) else (found,)
    return bool(items) and all(isinstance(item, dict) and ("type" in item or "text" in item) for item in items)


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


def kind_of(item: Mapping[str, Any]) -> str:
    """Return the `type` of a part or an item, empty where it has none."""
    kind = item.get("type")
    return kind if isinstance(kind, str) else ""
