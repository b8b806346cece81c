"""Lengths that would cut ids, or that a chosen backend does not take."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "limits"


def check(facts: Facts) -> Iterator[Finding]:
    """Say what an id may lose on its way, and where."""
    longest, length = facts["plugin"].get("max_id_length"), facts["limits"]["length"]
    if longest is None:
        return
    fine = True
    if length is not None and length < longest:
        fine = False
        yield Finding(
            "wrong",
            CHECK,
            f"attributes of spans are cut at {length} characters, ids at {longest}",
            "threads whose ids begin alike become one",
            f"OTEL_LANGWATCH_MAX_ID_LENGTH={length}"
            if length >= 16
            else "raise OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT or OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
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
