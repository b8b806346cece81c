"""OTLP trace requests: bytes to spans, without a socket."""

import base64
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from .errors import RequestError

MAX_BODY = 16 * 1024 * 1024  # After decompression; a batch of 512 spans is rarely over one.

MAX_KEYS = 10_000  # Keys, of at most so many characters, that the spans share.
MAX_KEY = 256

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8

# OTLP/JSON writes these three as hex, where protobuf's own JSON would have base64.
_HEX_KEYS = frozenset({"traceId", "spanId", "parentSpanId"})

# A kind that is not given, or not known yet, is INTERNAL: the protocol says so.
_KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
_STATUSES = {1: "OK", 2: "ERROR"}


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """Something that happened during a span."""

    name: str
    time_ns: int
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReceivedLink:
    """Another span that a span points to."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it came over OTLP, in plain values; a local root's `parent_span_id` is empty."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: str
    attributes: dict[str, Any] = field(default_factory=dict)
    events: tuple[ReceivedEvent, ...] = ()
    links: tuple[ReceivedLink, ...] = ()
    scope_name: str = ""
    resource: dict[str, Any] = field(default_factory=dict)


def decode(body: bytes, content_type: str, content_encoding: str = "") -> list[ReceivedSpan]:
    """Return the spans of one OTLP/HTTP request, or raise `RequestError` with the status that answers it."""
    encoding = media_type(content_type)
    if encoding not in (PROTOBUF, JSON):
        raise RequestError(415, f"unsupported Content-Type {encoding!r}; send {PROTOBUF} or {JSON}")
    plain = decompress(body, content_encoding)
    message = _from_json(plain) if encoding == JSON else _from_protobuf(plain)
    return list(_spans(message))


def media_type(content_type: str) -> str:
    """Return the bare type of a Content-Type header, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def decompress(body: bytes, content_encoding: str = "") -> bytes:
    """Return `body` as it was before Content-Encoding, never more than `MAX_BODY` of it."""
    encoding = content_encoding.strip().lower()
    if encoding == "gzip":
        try:
            body = gzip.GzipFile(fileobj=io.BytesIO(body)).read(MAX_BODY + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise RequestError(400, "the body is not gzip, or ends too early") from error
    elif encoding not in ("", "identity"):
        raise RequestError(415, f"unsupported Content-Encoding {encoding!r}; send gzip or none")
    if len(body) > MAX_BODY:
        raise RequestError(413, f"the body is over {MAX_BODY} bytes")
    return body


def _from_protobuf(body: bytes) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        raise RequestError(400, "the body is not an OTLP trace request") from error
    return message


def _from_json(body: bytes) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    try:
        found: dict[str, Any] = json.loads(body, object_hook=_ids_to_base64)
        # Not `found` alone: an empty list would pass for an empty message.
        json_format.ParseDict(dict(found.items()), message, ignore_unknown_fields=True)
    # The parser lets wrong shapes through as whatever Python raises on them; SystemError is for a lone surrogate.
    except (json_format.Error, ValueError, TypeError, AttributeError, RecursionError, SystemError) as error:
        raise RequestError(400, "the body is not an OTLP trace request in JSON") from error
    return message


def _ids_to_base64(found: dict[str, Any]) -> dict[str, Any]:
    for key in _HEX_KEYS & found.keys():
        found[key] = base64.b64encode(bytes.fromhex(found[key])).decode()
    return found


def _spans(message: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for of_resource in message.resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield _span(span, of_scope.scope.name, resource)


def _span(span: Span, scope_name: str, resource: dict[str, Any]) -> ReceivedSpan:
    if len(span.trace_id) != _TRACE_ID_BYTES or len(span.span_id) != _SPAN_ID_BYTES:
        raise RequestError(400, f"a trace id has {_TRACE_ID_BYTES} bytes and a span id {_SPAN_ID_BYTES}")
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        name=span.name,
        kind=_KINDS.get(span.kind, "INTERNAL"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=_STATUSES.get(span.status.code, "UNSET"),
        attributes=_attributes(span.attributes),
        events=tuple(
            ReceivedEvent(event.name, event.time_unix_nano, _attributes(event.attributes)) for event in span.events
        ),
        links=tuple(
            ReceivedLink(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes)) for link in span.links
        ),
        scope_name=scope_name,
        resource=resource,
    )


class _Shared(dict[str, str]):
    """One string for each key: they are few and stand on every span, and leave a fifth of the room that spans take."""

    def __missing__(self, key: str) -> str:
        # Of a stranger's endless new ones the first are kept: some Pythons never let go of what is interned.
        if len(self) < MAX_KEYS and len(key) <= MAX_KEY:
            self[key] = key = intern(key)
        return key


_KEYS = _Shared()


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {_KEYS[pair.key]: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    # A reference into a profile's string table means nothing on a span.
    if kind is None or kind == "string_value_strindex":
        return None
    return getattr(value, kind)
