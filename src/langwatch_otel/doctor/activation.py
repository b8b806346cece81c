"""What turns the plugin on, and whether it is."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "plugin"

_DISTRO = "opentelemetry-distro"


def check(facts: Facts) -> Iterator[Finding]:
    """Say whether the plugin is on; else what keeps it off."""
    process, plugin = facts["process"], facts["plugin"]
    if not plugin["installed"]:
        yield Finding(
            "wrong",
            CHECK,
            f"langwatch-otel is not installed for {process['executable']}",
            "no span gets an id",
            "install it with the pip of that Python",
        )
        return
    yield from _entry_point(facts)
    if plugin["on"]:
        yield Finding("ok", CHECK, "it is on")
    elif process["bare"] and not process["auto"]:
        yield Finding(
            "note",
            CHECK,
            "nothing turns it on by itself here",
            "it is on where the code calls setup() or instrument()",
            "look at the application itself: langwatch-otel doctor -- COMMAND",
        )
    else:
        yield Finding("wrong", CHECK, "it is off", "no span gets an id", _how(facts))


def _entry_point(facts: Facts) -> Iterator[Finding]:
    if any(name == "langwatch" for name, _, _ in facts["packages"]["points"]["opentelemetry_instrumentor"]):
        yield Finding("ok", CHECK, "the entry point of opentelemetry-instrument is there")
        return
    yield Finding(
        "wrong" if facts["process"]["auto"] else "note",
        CHECK,
        "its entry point is not among what is installed",
        "opentelemetry-instrument does not find it",
        "pip install --force-reinstall langwatch-otel; a folder on PYTHONPATH is not enough",
    )


def _how(facts: Facts) -> str:
    variables = facts["variables"]
    disabled = [name.strip() for name in variables.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")]
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return "unset OTEL_SDK_DISABLED"
    if "langwatch" in disabled or "*" in disabled:
        return "take it out of OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
    if facts["process"]["auto"]:
        return "see what failed as OpenTelemetry started, here and above"
    return "call setup() or LangWatchInstrumentor().instrument() as the program starts, or use opentelemetry-instrument"
