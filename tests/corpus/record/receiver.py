"""An endpoint that keeps every span and log record sent to it, whatever path its SDK sends them to."""

import base64
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from langwatch_otel.workbench.otlp import JSON, PROTOBUF, decompress, media_type

_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES = ("UNSET", "OK", "ERROR")
_HEX_KEYS = ("traceId", "spanId", "parentSpanId")


@dataclass
class Received:
    """Spans and log records in plain values, their ids and times still there under `_id`, `_time` and the like."""

    spans: list[dict[str, Any]] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


class Sink:
    """Receive OTLP/HTTP on any path, until the block ends; answer any other request with an empty object."""

    def __init__(self) -> None:
        self.received = Received()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Sink":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(handler) -> None:  # noqa: N805
                status, kind, body = self._answer(handler)
                handler.send_response(status)
                handler.send_header("Content-Type", kind)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            do_GET = do_POST = do_PUT = handle_request  # noqa: N815

            def log_message(handler, *_: Any) -> None:  # noqa: N805
                pass

        return Handler

    def _answer(self, request: BaseHTTPRequestHandler) -> tuple[int, str, bytes]:
        body = decompress(_read(request), request.headers.get("Content-Encoding", ""))
        kind = media_type(request.headers.get("Content-Type", ""))
        path = request.path.partition("?")[0]
        if request.command == "POST" and _is_otlp(path, kind, body):
            self._keep(path.endswith("logs"), kind, body)
        else:
            self.received.elsewhere.append(f"{request.command} {path}")
        return (200, PROTOBUF, b"") if kind == PROTOBUF else (200, JSON, b"{}")

    def _keep(self, logs: bool, kind: str, body: bytes) -> None:
        message = ExportLogsServiceRequest() if logs else ExportTraceServiceRequest()
        if kind == JSON:
            json_format.ParseDict(json.loads(body, object_hook=_ids_to_base64), message, ignore_unknown_fields=True)
        else:
            message.ParseFromString(body)
        if logs:
            self.received.logs.extend(_logs(message))
        else:
            self.received.spans.extend(_spans(message))


def _read(request: BaseHTTPRequestHandler) -> bytes:
    """Return the body; Node's exporter sends it in chunks."""
    if "chunked" not in request.headers.get("Transfer-Encoding", ""):
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    body = b""
    while length := int(request.rfile.readline().partition(b";")[0], 16):
        body += request.rfile.read(length)
        request.rfile.readline()
    request.rfile.readline()
    return body


def _is_otlp(path: str, kind: str, body: bytes) -> bool:
    if path.endswith("metrics"):
        return False
    return kind == PROTOBUF or bool(re.match(rb'\s*\{\s*"resource(Spans|Logs)"', body))


def _ids_to_base64(found: dict[str, Any]) -> dict[str, Any]:
    ids = {key: base64.b64encode(bytes.fromhex(found[key])).decode() for key in _HEX_KEYS if key in found}
    return {**found, **ids}


def _spans(message: ExportTraceServiceRequest) -> Any:
    for of_resource in message.resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield {
                    "_trace": span.trace_id.hex(),
                    "_id": span.span_id.hex(),
                    "_parent": span.parent_span_id.hex(),
                    "_time": span.start_time_unix_nano,
                    "scope": _scope(of_scope.scope),
                    "name": span.name,
                    "kind": _KINDS[span.kind],
                    "attributes": _attributes(span.attributes),
                    "events": [{"name": e.name, "attributes": _attributes(e.attributes)} for e in span.events],
                    "status": {"code": _STATUSES[span.status.code], "message": span.status.message},
                    "resource": resource,
                }


def _logs(message: ExportLogsServiceRequest) -> Any:
    for of_resource in message.resource_logs:
        for of_scope in of_resource.scope_logs:
            for record in of_scope.log_records:
                attributes = _attributes(record.attributes)
                yield {
                    "_id": record.span_id.hex(),
                    "_time": record.time_unix_nano or record.observed_time_unix_nano,
                    "scope": _scope(of_scope.scope),
                    "event_name": record.event_name,
                    "body": _value(record.body),
                    "attributes": attributes,
                }


def _scope(scope: Any) -> dict[str, str]:
    return {"name": scope.name, "version": scope.version}


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return {"bytes": base64.b64encode(value.bytes_value).decode()}
    return None if kind is None else getattr(value, kind)
