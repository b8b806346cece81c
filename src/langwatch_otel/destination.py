"""Where setup() sends spans, and with which of OpenTelemetry's exporters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points

from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from ._guard import say_once
from .errors import ConfigurationError
from .process_exporter import ProcessExporter

LANGWATCH_ENDPOINT = "https://app.langwatch.ai"
TRACES_PATH = "/api/otel/v1/traces"

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@dataclass(frozen=True)
class Destination:
    """An OTLP endpoint; without one, OTLP's own settings say where."""

    endpoint: str | None = None
    api_key: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The credentials, for this endpoint alone."""
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}


def choose(endpoint_url: str | None, api_key: str | None) -> Destination:
    """Return LangWatch where it was named, else OTLP's own settings, else LangWatch by its environment variables."""
    named = bool(endpoint_url or api_key)
    key = api_key or os.environ.get("LANGWATCH_API_KEY") or None
    standard = any(os.environ.get(name) for name in _ENDPOINTS)
    elsewhere = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() not in ("", "otlp")
    if not named and (standard or elsewhere or key is None):
        return Destination()
    url = endpoint_url or os.environ.get("LANGWATCH_ENDPOINT") or LANGWATCH_ENDPOINT
    base = str(url).strip().rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise ConfigurationError("endpoint_url", url, "a URL that starts with http:// or https://")
    return Destination(base if base.endswith(TRACES_PATH) else base + TRACES_PATH, key)


def exporters(destination: Destination, headers: Mapping[str, str] | None) -> list[SpanExporter]:
    """Return the exporters for `destination`; `OTEL_TRACES_EXPORTER` is obeyed where nobody named one."""
    if destination.endpoint is not None:
        return [ProcessExporter(partial(_otlp, "http/protobuf", destination, headers))]
    found: list[SpanExporter] = []
    for name in _names():
        if name == "none":
            continue
        if name == "console":
            found.append(ConsoleSpanExporter())
        elif name == "otlp":
            found.append(ProcessExporter(partial(_otlp, _protocol(), destination, headers)))
        else:
            found.append(_installed(name).load()())
    return found


def check(destination: Destination) -> None:
    """Raise ConfigurationError where `exporters` would, before anything is made."""
    if destination.endpoint is None:
        for name in _names():
            if name not in ("none", "console", "otlp"):
                _installed(name)


def _names() -> list[str]:
    named = os.environ.get("OTEL_TRACES_EXPORTER", "").split(",")
    return [name.strip() for name in named if name.strip()] or ["otlp"]


def _protocol() -> str:
    for name in _PROTOCOLS:
        if value := os.environ.get(name, "").strip():
            if value in ("grpc", "http/protobuf"):
                return value
            say_once(f"{name} takes grpc or http/protobuf; http/protobuf is used")
    return "http/protobuf"


def _otlp(protocol: str, destination: Destination, headers: Mapping[str, str] | None) -> SpanExporter:
    sent = {**destination.headers, **{key.lower(): value for key, value in (headers or {}).items()}}
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc(endpoint=destination.endpoint, headers=sent or None)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

    return Http(endpoint=destination.endpoint, headers=sent or None)


def _installed(name: str) -> EntryPoint:
    for point in entry_points(group="opentelemetry_traces_exporter", name=name):
        return point
    raise ConfigurationError("OTEL_TRACES_EXPORTER", name, "otlp, console, none or an exporter that is installed")
