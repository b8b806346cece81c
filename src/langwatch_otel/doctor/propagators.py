"""What goes along to other services."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "propagators"


def check(facts: Facts) -> Iterator[Finding]:
    """Say whether trace context and baggage travel."""
    fields, file = facts["propagator"]["fields"], facts["config_file"]
    to_do = "OTEL_PROPAGATORS=tracecontext,baggage"
    if file is not None:
        to_do = "propagator: {composite: [{tracecontext: {}}, {baggage: {}}]} in the file of OTEL_CONFIG_FILE"
    if not fields:
        yield Finding(
            "wrong",
            CHECK,
            "the file has no `propagator:`" if file is not None and not file["propagator"] else "there are none",
            "each service has traces of its own, and no id travels",
            to_do,
        )
    elif "baggage" in fields:
        yield Finding("ok", CHECK, ", ".join(fields))
    elif facts["plugin"].get("baggage", True):
        yield Finding("wrong", CHECK, f"{', '.join(fields)}, without baggage", "no id travels to other services", to_do)
    else:
        yield Finding("ok", CHECK, f"{', '.join(fields)}; baggage is neither sent nor taken, as set")
