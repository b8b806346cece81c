"""The command that was looked into: did it run, and could it be seen."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding


def check(facts: Facts) -> Iterator[Finding]:
    """Say which Python was looked into, and how its command ended where that was not our doing."""
    ran = facts.get("command")
    if ran is not None and ran["status"] not in (None, 0):
        yield Finding(
            "wrong",
            "command",
            f"it ended by itself with status {ran['status']}",
            "what is said below may be half of the truth",
            "see what it wrote above, and start it without the doctor first",
        )
    if "process" not in facts:
        yield Finding(
            "wrong",
            "command",
            "no Python in it could be looked into",
            "nothing is known of it",
            "start Python itself, without -I, -E and -S, and with the doctor's PYTHONPATH",
        )
