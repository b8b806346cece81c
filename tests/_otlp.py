"""Small OTLP requests, written by hand."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

JSON = "application/json"
PROTOBUF = "application/x-protobuf"


def request(*names, **fields):
    """Return a request in JSON with a span of each of `names`, its `fields` changed."""
    spans = [{"traceId": "74" * 16, "spanId": "73" * 8, "name": name, **fields} for name in names]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def protobuf(*names):
    """Return the same request in protobuf."""
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for name in names:
        scope.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name=name)
    return message.SerializeToString()
