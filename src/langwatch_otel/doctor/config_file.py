"""A file of declarative configuration that ends all telemetry."""

from __future__ import annotations

from collections.abc import Iterator

from .automatic import configuration_failures
from .finding import Facts, Finding

CHECK = "file"

_PROCESSORS = ("batch", "simple")


def check(facts: Facts) -> Iterator[Finding]:
    """Say what the file of OTEL_CONFIG_FILE does to telemetry."""
    file = facts["config_file"]
    if file is None:
        return
    if not facts["process"]["auto"]:
        yield Finding(
            "note", CHECK, "OTEL_CONFIG_FILE is set", "nothing reads it here", "start with opentelemetry-instrument"
        )
    elif facts["provider"] is None:
        yield Finding("wrong", CHECK, *_why(facts))
    elif kinds := configuration_failures(facts):
        what = f"it was refused half way ({', '.join(kinds)})"
        yield Finding("wrong", CHECK, what, "what comes after that is not turned on", "see the error above")
    else:
        yield Finding("ok", CHECK, "it was taken")
    if file["misplaced"]:
        yield Finding(
            "wrong",
            CHECK,
            "it has langwatch: where nothing reads it",
            "those settings are not in force",
            "move it below `instrumentation/development: python:`",
        )


def _why(facts: Facts) -> tuple[str, str, str]:
    file = facts["config_file"]
    nothing = "there is no provider and no telemetry at all"
    if not file["installed"]:
        return (
            "OTEL_CONFIG_FILE needs a package that is not installed",
            nothing,
            "pip install opentelemetry-configuration",
        )
    if not file["exists"]:
        return "OTEL_CONFIG_FILE names a file that does not exist", nothing, "correct the path"
    if not file["parsed"]:
        return "it is no YAML with a mapping in it", nothing, "see the error above"
    unknown = [name for name in file["processors"] if name not in _PROCESSORS]
    if unknown:
        return (
            f"it names {', '.join(unknown)} among processors:, which takes {' and '.join(_PROCESSORS)} only",
            nothing,
            "move langwatch: below `instrumentation/development: python:`"
            if "langwatch" in unknown
            else "take it out, and add that processor in code",
        )
    if not file["traces"]:
        return "it has no `tracer_provider:`", "no span is recorded", "add one with a processor and its exporter"
    if file["disabled"]:
        return "it says `disabled: true`", nothing, "take that out"
    return f"it was refused ({', '.join(configuration_failures(facts)) or 'see above'})", nothing, "see the error above"
