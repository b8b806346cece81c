"""All checks, in the order in which a person would ask."""

from __future__ import annotations

from . import (
    activation,
    automatic,
    config_file,
    endpoint,
    limits,
    packages,
    process,
    propagators,
    provider,
    settings,
    sources,
    variables,
)
from .finding import Facts, Finding

_CHECKS = (
    packages,
    variables,
    automatic,
    config_file,
    activation,
    provider,
    endpoint,
    settings,
    sources,
    propagators,
    limits,
)


def diagnose(facts: Facts) -> list[Finding]:
    """Return what there is to say of `facts`; what could not be judged is said, too."""
    found = list(process.check(facts))
    if "process" not in facts:
        return found
    for each in _CHECKS:
        try:
            found.extend(each.check(facts))
        except (KeyError, TypeError, ValueError, AttributeError):
            failed = sorted(name for name, fact in facts.items() if isinstance(fact, dict) and "failed" in fact)
            name = each.__name__.rpartition(".")[2]
            found.append(
                Finding("note", name, f"could not be judged: {', '.join(failed) or 'unknown'} could not be looked at")
            )
    return found
