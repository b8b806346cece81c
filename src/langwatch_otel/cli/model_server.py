"""A stand-in for OpenAI's chat completions and responses, for a demonstration without a key."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from langwatch_otel.workbench.errors import RequestError
from langwatch_otel.workbench.local_server import LocalServer, Request, Response

from .model_formats import Answer, Chat, Message, Responses
from .replies import reply_to

MAX_BODY = 4 * 1024 * 1024

_JSON = "application/json"
_BYTES_PER_TOKEN = 4  # What a token is in English text, near enough.

_FORMATS: dict[str, type[Chat] | type[Responses]] = {"/v1/chat/completions": Chat, "/v1/responses": Responses}


class ModelServer:
    """Serve answers, streamed or whole, each after `delay` seconds, streamed words `pace` seconds apart.

    Where tools are offered, the first one is called with what the user said. The model `error-429` answers
    with that status, and so do others of such a name.
    """

    def __init__(self, *, delay: float = 0.0, pace: float = 0.0, port: int = 0) -> None:
        self._delay = delay
        self._pace = pace
        self._server = LocalServer(self._answer, port)

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
            found = _format_of(request)
            asked = _parse(request.read(MAX_BODY))
            answer = _think(asked["model"], found.messages(asked), found.tools(asked))
        except RequestError as error:
            kind = "server_error" if error.status >= 500 else "invalid_request_error"
            body = {"error": {"message": error.message, "type": kind}}
            return Response(error.status, _JSON, json.dumps(body).encode())
        time.sleep(self._delay)
        if asked.get("stream"):
            return Response(200, "text/event-stream", self._paced(found.streamed(answer, asked)))
        return Response(200, _JSON, json.dumps(found.whole(answer)).encode())

    def _paced(self, events: Iterator[bytes]) -> Iterator[bytes]:
        for event in events:
            yield event
            time.sleep(self._pace)


def _format_of(request: Request) -> type[Chat] | type[Responses]:
    found = _FORMATS.get(request.path)
    if request.method != "POST" or found is None:
        raise RequestError(404, f"unknown request: {request.method} {request.path}")
    return found


def _parse(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "the body is not JSON") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("model"), str):
        raise RequestError(400, "you must provide a model parameter")
    if refused := re.fullmatch(r"error-([45]\d\d)", asked["model"]):
        raise RequestError(int(refused[1]), "you asked for an error")
    return asked


def _think(model: str, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Answer:
    last = messages[-1] if messages else Message("user", "")
    asked = sum(_tokens(message.text) for message in messages)
    if tools and last.role == "user":
        wanted = (tools[0].get("parameters") or {}).get("properties") or {}
        arguments = json.dumps(dict.fromkeys(wanted, last.text), ensure_ascii=False)
        return Answer(model, "", (asked, _tokens(arguments)), str(tools[0].get("name")), arguments)
    if last.role == "tool":
        text = f"I looked it up: {last.text}"
    else:
        text = reply_to([message.text for message in messages if message.role == "user"])
    return Answer(model, text, (asked, _tokens(text)))


def _tokens(text: str) -> int:
    return -(-len(text.encode(errors="replace")) // _BYTES_PER_TOKEN)
