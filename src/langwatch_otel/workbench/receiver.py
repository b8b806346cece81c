"""An OTLP/HTTP endpoint on 127.0.0.1 that keeps what it receives in memory."""

import json
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from .errors import RequestError
from .local_server import LocalServer, Request, Response
from .otlp import (
    JSON,
    MAX_BODY,
    PROTOBUF,
    ReceivedEvent,
    ReceivedLink,
    ReceivedSpan,
    decode,
    decompress,
    media_type,
)

__all__ = ["ReceivedEvent", "ReceivedLink", "ReceivedSpan", "Receiver", "RequestError", "decode"]

PATH = "/v1/traces"
MAX_SPANS = 200_000  # Some 600 MB, at 15 attributes a span; the oldest go first.
MAX_REQUEST_BYTES = 64 * 1024 * 1024  # Of bodies kept for comparison; the oldest go first.

# What google.rpc.Status calls them; a client acts on the HTTP status alone.
_INVALID_ARGUMENT, _NOT_FOUND, _RESOURCE_EXHAUSTED, _UNIMPLEMENTED = 3, 5, 8, 12
_RPC_CODES = {404: _NOT_FOUND, 405: _UNIMPLEMENTED, 413: _RESOURCE_EXHAUSTED, 415: _UNIMPLEMENTED}


class Receiver:
    """Receive traces over OTLP/HTTP, on a free port if `port` is 0."""

    def __init__(self, port: int = 0, *, max_spans: int = MAX_SPANS) -> None:
        self._server = LocalServer(self._answer, port)
        self._spans: deque[ReceivedSpan] = deque(maxlen=max_spans)
        self._requests: deque[bytes] = deque()
        self._request_bytes = 0
        self._dropped = 0
        self._arrived = threading.Condition()

    def start(self) -> None:
        """Begin to receive."""
        self._server.start()

    def stop(self) -> None:
        """Close the port; what was received stays."""
        self._server.stop()

    def __enter__(self) -> "Receiver":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """The value for `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return self._server.url

    @property
    def spans(self) -> list[ReceivedSpan]:
        """The spans received so far, in the order of arrival."""
        with self._arrived:
            return list(self._spans)

    @property
    def dropped(self) -> int:
        """How many spans were let go to make room for later ones."""
        with self._arrived:
            return self._dropped

    @property
    def requests(self) -> list[bytes]:
        """The protobuf bodies accepted so far, decompressed, the latest `MAX_REQUEST_BYTES` of them."""
        with self._arrived:
            return list(self._requests)

    def wait_for(self, predicate: Callable[[list[ReceivedSpan]], bool], timeout: float = 10) -> list[ReceivedSpan]:
        """Return the spans as soon as `predicate` holds for them, or raise `TimeoutError`."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: predicate(list(self._spans)), timeout):
                raise TimeoutError(f"waited {timeout} s; {len(self._spans)} spans have arrived")
            return list(self._spans)

    def _answer(self, request: Request) -> Response:
        as_json = media_type(request.headers.get("Content-Type", "")) != PROTOBUF
        try:
            self._take(request)
        except RequestError as error:
            return _refusal(error, as_json)
        body = b"{}" if as_json else ExportTraceServiceResponse().SerializeToString()
        return Response(200, JSON if as_json else PROTOBUF, body)

    def _take(self, request: Request) -> None:
        if request.path != PATH:
            raise RequestError(404, f"nothing here; traces go to {PATH}")
        if request.method != "POST":
            raise RequestError(405, "traces are sent with POST")
        content_type = request.headers.get("Content-Type", "")
        body = decompress(request.read(MAX_BODY), request.headers.get("Content-Encoding", ""))
        self._keep(decode(body, content_type), body if media_type(content_type) == PROTOBUF else None)

    def _keep(self, spans: list[ReceivedSpan], body: bytes | None) -> None:
        with self._arrived:
            before = len(self._spans)
            self._spans.extend(spans)
            self._dropped += before + len(spans) - len(self._spans)
            if body is not None:
                self._requests.append(body)
                self._request_bytes += len(body)
            while self._request_bytes > MAX_REQUEST_BYTES:
                self._request_bytes -= len(self._requests.popleft())
            self._arrived.notify_all()


def _refusal(error: RequestError, as_json: bool) -> Response:
    code = _RPC_CODES.get(error.status, _INVALID_ARGUMENT)
    headers = {"Allow": "POST"} if error.status == 405 else {}
    if as_json:
        body = json.dumps({"code": code, "message": error.message}).encode()
        return Response(error.status, JSON, body, headers)
    return Response(error.status, PROTOBUF, Status(code=code, message=error.message).SerializeToString(), headers)
