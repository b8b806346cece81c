"""The settings in force, and where each came from; and those that were refused."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "settings"

# What parses such variables, and says of nothing else.
_HEADERS = "opentelemetry.util.re"


def check(facts: Facts) -> Iterator[Finding]:
    """Say what is set, what was refused, and what else the plugin said."""
    plugin = facts["plugin"]
    if not plugin["installed"]:
        return
    for refusal, instead in plugin["refused"]:
        so_what = instead if facts["process"]["auto"] else "setup() and instrument() raise ConfigurationError"
        yield Finding("wrong", CHECK, refusal, so_what, "correct it, or take it out")
    for each in facts["logs"]:
        if each["logger"] == _HEADERS:
            yield Finding(
                "wrong",
                CHECK,
                "a variable of headers, such as OTEL_EXPORTER_OTLP_HEADERS, has what is no NAME=VALUE",
                "that header is not sent",
                "NAME=VALUE, several by comma; in a value %20 is a space",
            )
        if each["logger"] == "langwatch_otel" and not each["message"].startswith("setting "):
            yield Finding("note", CHECK, f"the plugin said: {each['message']}")
    given = {name: found for name, found in plugin["settings"].items() if found[1] != "default"}
    for name, (value, came_from) in given.items():
        yield Finding("ok", CHECK, f"{name}={value} ({came_from})")
    rest = [f"{name}={value}" for name, (value, _) in plugin["settings"].items() if name not in given]
    if rest:
        yield Finding("ok", CHECK, f"{', '.join(rest)} (default)")
