"""What is installed in this environment, what it says to OpenTelemetry, and which variables are set."""

from __future__ import annotations

import os
from importlib.metadata import distributions
from typing import Any

_OF_INTEREST = ("opentelemetry-", "openinference-", "langwatch", "fastapi", "starlette", "openai", "httpx", "logfire")
_GROUPS = tuple(
    f"opentelemetry_{kind}"
    for kind in """instrumentor distro configurator propagator id_generator
    traces_exporter metrics_exporter logs_exporter traces_sampler""".split()
)

# Those that hold neither secrets nor ids; of all others it is only known that they are set.
_SHOWN = frozenset(
    """OTEL_SDK_DISABLED OTEL_CONFIG_FILE OTEL_PROPAGATORS OTEL_TRACES_EXPORTER OTEL_TRACES_SAMPLER
    OTEL_METRICS_EXPORTER OTEL_LOGS_EXPORTER OTEL_EXPORTER_OTLP_PROTOCOL OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL OTEL_EXPORTER_OTLP_LOGS_PROTOCOL OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_PYTHON_DISTRO OTEL_PYTHON_CONFIGURATOR OTEL_PYTHON_ID_GENERATOR
    OTEL_PYTHON_DISABLED_INSTRUMENTATIONS""".split()
)


def find() -> dict[str, Any]:
    """Return the versions that matter, and the entry points as [name, value, distribution] by their group."""
    versions: dict[str, str] = {}
    points: dict[str, list[list[str]]] = {group: [] for group in _GROUPS}
    seen: set[str] = set()
    for each in distributions():
        name = (each.metadata["Name"] or "").lower().replace("_", "-").replace(".", "-")
        if name in seen:
            continue  # The first on the path is the one that is imported.
        seen.add(name)
        if name.startswith(_OF_INTEREST):
            versions[name] = each.version
        for point in each.entry_points:
            if point.group in points:
                points[point.group].append([point.name, point.value, name])
    return {"versions": versions, "points": points}


def variables() -> dict[str, str]:
    """Return what is set of OpenTelemetry's and our variables; the value where it may be shown, else nothing."""
    return {
        name: value if name in _SHOWN else ""
        for name, value in os.environ.items()
        if name.startswith(("OTEL_", "LANGWATCH_")) and not name.startswith("LANGWATCH_OTEL_DOCTOR") and value
    }
