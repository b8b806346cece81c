"""Variables of OpenTelemetry that name what is not installed: most of them end all telemetry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from langwatch_otel.errors import closest, perhaps

from .finding import Facts, Finding, Level

CHECK = "start"

_STOPS = "opentelemetry-instrument stops there: what comes after it is not turned on"


class _Names(NamedTuple):
    """What a variable takes: names of the entry points of `group`, and those of `also`."""

    group: str
    also: tuple[str, ...] = ()
    so_what: str = _STOPS
    level: Level = "wrong"


_PROTOCOL = _Names("", ("grpc", "http/protobuf"))

_VARIABLES = {
    "OTEL_PROPAGATORS": _Names("opentelemetry_propagator", ("none",), "OpenTelemetry cannot be imported"),
    "OTEL_PYTHON_CONFIGURATOR": _Names("opentelemetry_configurator", (), "no provider is made"),
    "OTEL_PYTHON_ID_GENERATOR": _Names("opentelemetry_id_generator"),
    "OTEL_TRACES_EXPORTER": _Names("opentelemetry_traces_exporter", ("none",)),
    "OTEL_METRICS_EXPORTER": _Names("opentelemetry_metrics_exporter", ("none",)),
    "OTEL_LOGS_EXPORTER": _Names("opentelemetry_logs_exporter", ("none",)),
    "OTEL_EXPORTER_OTLP_PROTOCOL": _PROTOCOL,
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": _PROTOCOL,
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": _PROTOCOL,
    "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": _PROTOCOL,
    "OTEL_TRACES_SAMPLER": _Names("opentelemetry_traces_sampler", (), "parentbased_always_on holds", "note"),
}

# What is imported with the API reads these whatever a file says, and whoever starts OpenTelemetry.
_ALWAYS = ("OTEL_PROPAGATORS",)


def check(facts: Facts) -> Iterator[Finding]:
    """Say which variable names what there is not."""
    for variable, takes in _VARIABLES.items():
        if variable not in _ALWAYS and (facts["config_file"] is not None or not facts["process"]["auto"]):
            continue
        points = [name for name, _, _ in facts["packages"]["points"].get(takes.group, ())]
        known = sorted({*points, *takes.also})
        given = [name.strip() for name in facts["variables"].get(variable, "").split(",")]
        if takes.level == "note":
            given = [name.lower() for name in given]  # The sampler's case alone does not count.
        for name in given:
            if name and name not in known:
                what = f"{variable} names {name}, which is not there{perhaps(closest(name, known))}"
                yield Finding(takes.level, CHECK, what, takes.so_what, f"one of {', '.join(known) or 'none installed'}")
