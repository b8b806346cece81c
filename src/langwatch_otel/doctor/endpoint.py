"""Does the endpoint answer: what came of a real export of no spans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .finding import Facts, Finding

CHECK = "endpoint"

_PORTS = {"4317": "grpc", "4318": "http/protobuf"}


def check(facts: Facts) -> Iterator[Finding]:
    """Say of each OTLP exporter whether its endpoint took an empty export."""
    for each in facts["exports"]:
        where = f"{each['endpoint']} by {each['protocol']}"
        if each["answer"] == "ok":
            yield Finding("ok", CHECK, f"{where} took an empty export")
        else:
            yield Finding(
                "wrong", CHECK, f"{where} did not take an empty export: {each['answer']}", "no span arrives", _do(each)
            )


def _do(sent: dict[str, Any]) -> str:
    answer, port = sent["answer"], sent["endpoint"].rpartition(":")[2]
    speaks = _PORTS.get(port, sent["protocol"])
    if speaks != sent["protocol"]:
        return f"OTEL_EXPORTER_OTLP_PROTOCOL={speaks}: port {port} is the one of that protocol"
    if answer in ("HTTP 401", "HTTP 403", "gRPC UNAUTHENTICATED", "gRPC PERMISSION_DENIED"):
        return "see to the credentials in OTEL_EXPORTER_OTLP_HEADERS, or LANGWATCH_API_KEY"
    if answer in ("HTTP 404", "HTTP 405", "gRPC UNIMPLEMENTED"):
        return (
            "OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces appended, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is"
        )
    if "SSL" in answer:
        return "https:// or http:// as the server has it, and OTEL_EXPORTER_OTLP_CERTIFICATE for a private authority"
    return "start what should listen there, or set OTEL_EXPORTER_OTLP_ENDPOINT to where it is"
