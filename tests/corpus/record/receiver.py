"""An endpoint that keeps every span and log record sent to it, whatever path its SDK sends them to."""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from langwatch_otel.workbench.local_server import LocalServer, Request, Response
from langwatch_otel.workbench.otlp import JSON, MAX_BODY, PROTOBUF, decompress, media_type

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
    """Receive OTLP/HTTP on any path; answer any other request with an empty object."""

    def __init__(self) -> None:
        self.server = LocalServer(self._answer)
        self.received = Received()

    def _answer(self, request: Request) -> Response:
        body = decompress(request.read(MAX_BODY), request.headers.get("Content-Encoding", ""))
        kind = media_type(request.headers.get("Content-Type", ""))
        path = request.path.partition("?")[0]
        if request.method == "POST" and kind in (PROTOBUF, JSON) and _is_otlp(path, kind, body):
            self._keep(path.endswith("logs"), kind, body)
        else:
            self.received.elsewhere.append(f"{request.method} {path}")
        return Response(200, kind or JSON, b"" if kind == PROTOBUF else b"{}")

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
