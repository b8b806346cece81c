"""A stand-in for OpenAI's chat completions, for a demonstration without a key."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import TracebackType
from typing import Any

from langwatch_otel.workbench.errors import RequestError
from langwatch_otel.workbench.local_server import LocalServer, Request, Response

from .replies import reply_to

MAX_BODY = 4 * 1024 * 1024

_JSON = "application/json"
_BYTES_PER_TOKEN = 4  # What a token is in English text, near enough.


class ModelServer:
    """Serve chat completions, streamed or whole, each after `delay` seconds."""

    def __init__(self, *, delay: float = 0.0, port: int = 0) -> None:
        self._delay = delay
        self._server = LocalServer(self._answer, port)
        self._numbers = count(1)

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.stop()

    def __enter__(self) -> "ModelServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """The value for `OPENAI_BASE_URL`."""
        return f"{self._server.url}/v1"

    def _answer(self, request: Request) -> Response:
        try:
            asked = _read(request)
        except RequestError as error:
            body = {"error": {"message": error.message, "type": "invalid_request_error"}}
            return Response(error.status, _JSON, json.dumps(body).encode())
        time.sleep(self._delay)
        made = {"id": f"chatcmpl-{next(self._numbers)}", "created": int(time.time())}
        head = {**made, "model": asked["model"]}
        reply, usage = _complete(asked["messages"])
        if asked.get("stream"):
            with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
            return Response(200, "text/event-stream", _events(head, reply, usage if with_usage else None))
        message = {"role": "assistant", "content": reply, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
        return Response(200, _JSON, json.dumps(whole).encode())


def _read(request: Request) -> dict[str, Any]:
    if (request.method, request.path) != ("POST", "/v1/chat/completions"):
        raise RequestError(404, f"unknown request: {request.method} {request.path}")
    return _parse(request.read(MAX_BODY))


def _parse(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "the body is not JSON") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("model"), str):
        raise RequestError(400, "you must provide a model parameter")
    messages = asked.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise RequestError(400, "messages is a list of objects")
    return asked


def _complete(messages: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, int]]:
    reply = reply_to([_text(message) for message in messages if message.get("role") == "user"])
    asked = sum(_tokens(_text(message)) for message in messages)
    answered = _tokens(reply)
    return reply, {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


def _tokens(text: str) -> int:
    return -(-len(text.encode(errors="replace")) // _BYTES_PER_TOKEN)


def _events(head: Mapping[str, Any], reply: str, usage: Mapping[str, int] | None) -> Iterator[bytes]:
    for delta in ({"role": "assistant", "content": ""}, *({"content": word} for word in _words(reply))):
        yield _event(head, [{"index": 0, "delta": delta, "finish_reason": None}])
    yield _event(head, [{"index": 0, "delta": {}, "finish_reason": "stop"}])
    if usage is not None:
        yield _event(head, [], usage=usage)
    yield b"data: [DONE]\n\n"


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


def _event(head: Mapping[str, Any], choices: Sequence[Mapping[str, Any]], **more: Any) -> bytes:
    chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
    return f"data: {json.dumps(chunk)}\n\n".encode()
