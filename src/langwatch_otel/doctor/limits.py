"""Lengths that would cut ids, or that a chosen backend does not take."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "limits"

_ROOM = 16  # A request's span has about twelve attributes, and the conversation's come to them.


def check(facts: Facts) -> Iterator[Finding]:
    """Say what an id may lose on its way, and where."""
    longest, length = facts["plugin"].get("max_id_length"), facts["limits"]["length"]
    if longest is None:
        return
    fine, in_file = True, facts["config_file"] is not None
    if length is not None and length < longest:
        fine = False
        yield Finding(
            "wrong",
            CHECK,
            f"attributes of spans are cut at {length} characters, ids at {longest}",
            "threads whose ids begin alike become one",
            f"OTEL_LANGWATCH_MAX_ID_LENGTH={length}" if length >= 16 else _raise(in_file, "VALUE_LENGTH"),
        )
    room = facts["limits"]["attributes"]
    if room is not None and room < _ROOM:
        fine = False
        yield Finding(
            "wrong",
            CHECK,
            f"a span keeps {room} attributes, the last that were set",
            "what is set after an id pushes it out",
            _raise(in_file, "COUNT"),
        )
    for limit in facts["plugin"]["limits"]:
        if limit["length"] < longest:
            fine = False
            yield Finding(
                "wrong",
                CHECK,
                f"{limit['backend']} takes {limit['length']} characters in {limit['key']}, ids have up to {longest}",
                f"beyond that: {limit['beyond']}",
                f"OTEL_LANGWATCH_MAX_ID_LENGTH={limit['length']}, in every service",
            )
    if fine:
        yield Finding("ok", CHECK, f"ids of up to {longest} characters arrive whole")


def _raise(in_file: bool, limit: str) -> str:
    if in_file:
        return f"raise attribute_{limit.lower()}_limit: in the file of OTEL_CONFIG_FILE"
    return f"raise OTEL_ATTRIBUTE_{limit}_LIMIT or OTEL_SPAN_ATTRIBUTE_{limit}_LIMIT"
