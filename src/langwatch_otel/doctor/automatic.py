"""How `opentelemetry-instrument` starts OpenTelemetry: the distro, the configurator, and what failed on the way."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "start"

_STARTS = "opentelemetry.instrumentation.auto_instrumentation"


def check(facts: Facts) -> Iterator[Finding]:
    """Say what of the start of OpenTelemetry is amiss, where it was started from outside the code."""
    if not facts["process"]["auto"]:
        return
    points, variables = facts["packages"]["points"], facts["variables"]
    distros = points["opentelemetry_distro"]
    if not points["opentelemetry_configurator"]:
        yield Finding(
            "wrong",
            CHECK,
            "no configurator is installed",
            "opentelemetry-instrument makes no provider and exports nothing",
            "pip install opentelemetry-distro",
        )
    yield from _of_distros([f"{name} of {package}" for name, _, package in distros], variables)
    chosen = variables.get("OTEL_PYTHON_DISTRO")
    if chosen and chosen not in [name for name, _, _ in distros]:
        yield Finding(
            "wrong",
            CHECK,
            f"OTEL_PYTHON_DISTRO names {chosen}, which is not installed",
            "no distro sets its defaults, and without OTEL_TRACES_EXPORTER nothing is exported",
            f"one of {', '.join(name for name, _, _ in distros) or 'none installed'}, or unset it",
        )
    yield from _failures(facts)


def _of_distros(distros: list[str], variables: dict[str, str]) -> Iterator[Finding]:
    if len(distros) > 1 and not variables.get("OTEL_PYTHON_DISTRO"):
        yield Finding(
            "wrong",
            CHECK,
            f"{len(distros)} distros are installed: {', '.join(distros)}",
            "the first one found wins, and the exporters that the other would have set are not there",
            "uninstall one, or name one with OTEL_PYTHON_DISTRO",
        )


def _failures(facts: Facts) -> Iterator[Finding]:
    for each in facts["logs"]:
        if each["logger"].startswith(_STARTS) and each["level"] == "ERROR" and facts["config_file"] is None:
            kind = f" ({each['exception']})" if each["exception"] else ""
            yield Finding(
                "wrong",
                CHECK,
                f"{each['message'].splitlines()[0]}{kind}",
                "what comes after it in the start is not turned on",
                "see the error above; OTEL_PYTHON_DISABLED_INSTRUMENTATIONS leaves an instrumentor out",
            )
