"""Does the endpoint answer: what came of a real export of no spans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .finding import Facts, Finding

CHECK = "endpoint"

_PORTS = {"4317": "grpc", "4318": "http/protobuf"}

_REFUSED = ("HTTP 401", "HTTP 403", "gRPC UNAUTHENTICATED", "gRPC PERMISSION_DENIED")
_NOT_THERE = ("HTTP 404", "HTTP 405", "gRPC UNIMPLEMENTED")
_NO_URL = ("InvalidSchema", "InvalidURL", "MissingSchema", "LocationParseError")

# What HTTP gets from a gRPC server, and gRPC from an HTTP server, or from nobody.
_OTHER_PROTOCOL = ("BadStatusLine", "RemoteDisconnected", "gRPC UNAVAILABLE", "gRPC INTERNAL", "gRPC UNKNOWN")


def check(facts: Facts) -> Iterator[Finding]:
    """Say of each OTLP exporter whether its endpoint took an empty export."""
    to_do = _do if facts["config_file"] is None else _do_in_file
    for each in facts["exports"]:
        where = f"{each['endpoint']} by {each['protocol']}"
        if each["answer"] == "ok":
            yield Finding("ok", CHECK, f"{where} took an empty export")
        else:
            yield Finding(
                "wrong",
                CHECK,
                f"{where} did not take an empty export: {each['answer']}",
                "no span arrives",
                to_do(each),
            )


def _do(sent: dict[str, Any]) -> str:
    answer, port = sent["answer"], sent["endpoint"].rpartition(":")[2]
    speaks = _PORTS.get(port, sent["protocol"])
    if speaks != sent["protocol"]:
        return f"OTEL_EXPORTER_OTLP_PROTOCOL={speaks}: port {port} is the one of that protocol"
    if answer in _REFUSED:
        return "see to the credentials in OTEL_EXPORTER_OTLP_HEADERS, or LANGWATCH_API_KEY"
    if answer in _NOT_THERE:
        return (
            "OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces appended, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is"
        )
    if answer in _NO_URL:
        return "begin OTEL_EXPORTER_OTLP_ENDPOINT with http:// or https://, and name host and port"
    if answer in _OTHER_PROTOCOL and port not in _PORTS:
        other = "http/protobuf" if sent["protocol"] == "grpc" else "grpc"
        return f"start what should listen there, or OTEL_EXPORTER_OTLP_PROTOCOL={other} if it speaks that"
    if answer == "OSError":  # Without a number: no socket's.
        return "OTEL_EXPORTER_OTLP_CERTIFICATE and its like name files that can be read"
    if "SSL" in answer:
        return "https:// or http:// as the server has it, and OTEL_EXPORTER_OTLP_CERTIFICATE for a private authority"
    return "start what should listen there, or set OTEL_EXPORTER_OTLP_ENDPOINT to where it is"


def _do_in_file(sent: dict[str, Any]) -> str:
    """Return what to do where a file names the exporter: then no variable does."""
    answer, exporter = sent["answer"], "the exporter in the file of OTEL_CONFIG_FILE"
    if answer in _REFUSED:
        return f"see to `headers:` of {exporter}"
    if answer in _NOT_THERE:
        return f"`endpoint:` of {exporter} is taken as it is: /v1/traces belongs to it"
    if answer in _OTHER_PROTOCOL:
        other = "otlp_http" if sent["protocol"] == "grpc" else "otlp_grpc"
        return f"start what should listen there, or make {exporter} {other} if it speaks that"
    return f"start what should listen there, or see to `endpoint:` of {exporter}"
