"""What OpenAI's two APIs say and understand, as far as the stand-in model needs it."""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langwatch_otel.workbench.errors import RequestError

_Object = Mapping[str, Any]
_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, by a `role`: user, assistant, system or tool."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says, or the tool that it wants called with `arguments`, in JSON."""

    model: str
    text: str
    tokens: tuple[int, int]
    tool: str | None = None
    arguments: str = ""

    @property
    def pieces(self) -> list[str]:
        """The words of the text, each with the space before it."""
        return re.findall(r"\s*\S+", self.text)


def text_of(content: object) -> str:
    """Return the text of a message's content: a string, or a list of parts."""
    if isinstance(content, list):
        return " ".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


class Chat:
    """Chat completions."""

    @staticmethod
    def messages(asked: _Object) -> list[Message]:
        """Return what was said so far."""
        messages = _objects(asked.get("messages"), "messages")
        return [Message(str(message.get("role")), text_of(message.get("content"))) for message in messages]

    @staticmethod
    def tools(asked: _Object) -> list[_Object]:
        """Return the functions that may be called."""
        return [tool["function"] for tool in _tools(asked) if isinstance(tool.get("function"), dict)]

    @staticmethod
    def whole(answer: Answer) -> _Object:
        """Return the answer in one piece."""
        message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
        if answer.tool is not None:
            message.update(content=None, tool_calls=[_chat_call(answer)])
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(answer)}
        return {**_head(answer), "object": "chat.completion", "choices": [choice], "usage": _chat_usage(answer)}

    @staticmethod
    def streamed(answer: Answer, asked: _Object) -> Iterator[bytes]:
        """Yield the answer word by word."""
        head = {**_head(answer), "object": "chat.completion.chunk"}
        deltas: list[_Object] = [{"role": "assistant", "content": ""}]
        if answer.tool is not None:
            deltas.append({"tool_calls": [{"index": 0, **_chat_call(answer)}]})
        deltas += [{"content": word} for word in answer.pieces]
        for delta in deltas:
            yield _data({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        yield _data({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish_reason(answer)}]})
        if (asked.get("stream_options") or {}).get("include_usage"):
            yield _data({**head, "choices": [], "usage": _chat_usage(answer)})
        yield _DONE


class Responses:
    """The Responses API."""

    @staticmethod
    def messages(asked: _Object) -> list[Message]:
        """Return what was said so far."""
        said = asked.get("input")
        items = [{"role": "user", "content": said}] if isinstance(said, str) else _objects(said, "input")
        found = [Message("system", text_of(asked.get("instructions")))] if asked.get("instructions") else []
        for item in items:
            if item.get("type") == "function_call_output":
                found.append(Message("tool", text_of(item.get("output"))))
            else:
                found.append(Message(str(item.get("role", "assistant")), text_of(item.get("content"))))
        return found

    @staticmethod
    def tools(asked: _Object) -> list[_Object]:
        """Return the functions that may be called."""
        return [tool for tool in _tools(asked) if tool.get("type") == "function"]

    @staticmethod
    def whole(answer: Answer) -> _Object:
        """Return the answer in one piece."""
        asked, answered = answer.tokens
        usage = {
            "input_tokens": asked,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": answered,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": asked + answered,
        }
        output = [_call_item(answer) if answer.tool is not None else _message_item(answer)]
        return {**_response(answer), "status": "completed", "output": output, "usage": usage}

    @staticmethod
    def streamed(answer: Answer, _asked: _Object) -> Iterator[bytes]:
        """Yield the answer word by word."""
        whole = Responses.whole(answer)
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        item = whole["output"][0]
        place = {"output_index": 0, "item_id": item["id"], "content_index": 0}
        yield _event("response.created", response=begun)
        yield _event("response.output_item.added", output_index=0, item={**item, "status": "in_progress"})
        if answer.tool is None:
            for word in answer.pieces:
                yield _event("response.output_text.delta", **place, delta=word, logprobs=[])
            yield _event("response.output_text.done", **place, text=answer.text, logprobs=[])
        yield _event("response.output_item.done", output_index=0, item=item)
        yield _event("response.completed", response=whole)


def _objects(found: object, name: str) -> list[_Object]:
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise RequestError(400, f"{name} is a list of objects")
    return found


def _tools(asked: _Object) -> list[_Object]:
    return _objects(asked.get("tools") or [], "tools")


def _new_id(kind: str) -> str:
    """Return an id that no other process has either: instrumentations keep responses by their ids."""
    return f"{kind}-{secrets.token_hex(12)}"


def _head(answer: Answer) -> _Object:
    return {"id": _new_id("chatcmpl"), "created": int(time.time()), "model": answer.model}


def _finish_reason(answer: Answer) -> str:
    return "stop" if answer.tool is None else "tool_calls"


def _chat_call(answer: Answer) -> _Object:
    function = {"name": answer.tool, "arguments": answer.arguments}
    return {"id": _new_id("call"), "type": "function", "function": function}


def _chat_usage(answer: Answer) -> _Object:
    asked, answered = answer.tokens
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _response(answer: Answer) -> _Object:
    return {
        "id": _new_id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "model": answer.model,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _message_item(answer: Answer) -> _Object:
    part = {"type": "output_text", "text": answer.text, "annotations": []}
    return {"id": _new_id("msg"), "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def _call_item(answer: Answer) -> _Object:
    return {
        "id": _new_id("fc"),
        "call_id": _new_id("call"),
        "type": "function_call",
        "name": answer.tool,
        "arguments": answer.arguments,
        "status": "completed",
    }


def _data(value: _Object) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _event(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\n".encode() + _data({"type": kind, **more})
