"""How `opentelemetry-instrument` starts OpenTelemetry: the distro, the configurator, and what failed on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .finding import Facts, Finding

CHECK = "start"

_STARTS = "opentelemetry.instrumentation.auto_instrumentation"
_ALL = "Failed to auto initialize"
_CONFIGURATION = "Configuration of "


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
    yield from _of_distros(facts)
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


def _of_distros(facts: Facts) -> Iterator[Finding]:
    chosen = facts["variables"].get("OTEL_PYTHON_DISTRO")
    distros = [each for each in facts["packages"]["points"]["opentelemetry_distro"] if chosen in (None, each[0])]
    if len(distros) > 1:
        names = {name for name, _, _ in distros}
        shown = ", ".join(f"{name} of {package}" for name, _, package in distros)
        yield Finding(
            "wrong",
            CHECK,
            f"{len(distros)} distros are installed: {shown}",
            "the first one found wins, and the exporters that the other would have set are not there",
            "uninstall one, or name one with OTEL_PYTHON_DISTRO" if len(names) == len(distros) else "uninstall one",
        )


def configuration_failures(facts: Facts) -> list[str]:
    """Return the types of the errors that ended the configuration of OpenTelemetry."""
    return sorted({str(each["exception"]) for each in _failed(facts) if each["message"].startswith(_CONFIGURATION)})


def _failed(facts: Facts) -> list[dict[str, Any]]:
    failed = [each for each in facts["logs"] if each["logger"].startswith(_STARTS) and each["level"] == "ERROR"]
    if len(failed) > 1 and failed[-1]["message"].startswith(_ALL):
        failed.pop()  # It is raised through, and logged again.
    return failed


def _failures(facts: Facts) -> Iterator[Finding]:
    for each in _failed(facts):
        configuration = each["message"].startswith(_CONFIGURATION)
        if configuration and facts["config_file"] is not None:
            continue  # What is said of the file says it.
        kind = f" ({each['exception']})" if each["exception"] else ""
        yield Finding(
            "wrong",
            CHECK,
            f"{each['message'].splitlines()[0]}{kind}",
            "what comes after it in the start is not turned on",
            "see the error above: a variable of OpenTelemetry may have a value that it does not take"
            if configuration
            else "see the error above; OTEL_PYTHON_DISABLED_INSTRUMENTATIONS leaves an instrumentor out",
        )
