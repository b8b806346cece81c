"""Did the sources of ids match, where requests came."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "sources"


def check(facts: Facts) -> Iterator[Finding]:
    """Say which sources gave an id; of no request nothing can be said."""
    wanted, seen = facts["plugin"].get("sources"), facts["requests"]
    asked = sum(tally[0] for tally in seen["sources"].values())
    if not wanted:
        yield from _unnamed(facts)
    elif not seen["requests"] and not asked:
        yield Finding("ok", CHECK, "not judged: no request came")
    elif not asked:
        yield Finding(
            "wrong",
            CHECK,
            f"{seen['requests']} requests came, and none was looked into",
            "no id is read from requests",
            "sources are read in FastAPI and Starlette; elsewhere name the conversation in code",
        )
    else:
        for field, sources in wanted.items():
            yield _judged(field, {name: seen["sources"].get(name, [0, 0]) for name in sources})


def _unnamed(facts: Facts) -> Iterator[Finding]:
    seen = facts["requests"]
    if facts["plugin"]["on"] and seen["requests"] and not seen["named"]:
        yield Finding(
            "note",
            CHECK,
            f"{seen['requests']} requests came, and none has a thread",
            "they are not grouped",
            "name the conversation in code, or say where the id is: OTEL_LANGWATCH_THREAD_ID_FROM",
        )


def _judged(field: str, tallies: dict[str, list[int]]) -> Finding:
    told = ", ".join(f"{name} gave {gave} of {asked}" for name, (asked, gave) in tallies.items())
    if any(gave for _, gave in tallies.values()):
        never = [name for name, (asked, gave) in tallies.items() if asked and not gave]
        if not never:
            return Finding("ok", CHECK, f"{field}: {told}")
        return Finding("note", CHECK, f"{field}: {told}", f"{', '.join(never)} never matched", "see to its spelling")
    return Finding(
        "wrong",
        CHECK,
        f"{field}: no source matched in any request ({told})",
        f"no request has a {field}",
        f"see to the spelling in OTEL_LANGWATCH_{field.upper()}_FROM, and to what clients send",
    )
