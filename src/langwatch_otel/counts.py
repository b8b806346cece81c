"""How often things happened, counted where they happen; `metrics.py` tells OpenTelemetry, if anybody asks there."""

from __future__ import annotations

import itertools
import os
from functools import lru_cache

FIELDS = ("thread_id", "user_id", "customer_id")
"""The fields that are ids."""

MAX_ID_LENGTH, VENDOR, ATTRIBUTE_LENGTH, BAGGAGE = "max_id_length", "vendor", "attribute_length", "baggage"
CUT_BY = (MAX_ID_LENGTH, VENDOR, ATTRIBUTE_LENGTH, BAGGAGE)
"""What an id was too long for."""

HOST, UNKNOWN, UNSAMPLED, NO_ROOM = "host", "unknown", "unsampled", "no_room"
WITHHELD_FOR = (HOST, UNKNOWN, UNSAMPLED, NO_ROOM)
"""Why a call went out without the ids that it was made under."""

LABELS, METADATA = "labels", "metadata"

_all: list[Count] = []

forks = 0
"""How many forks lie between this process and the one that was started."""


class Count:
    """How often one thing happened in this process; any thread adds to it, and none waits."""

    __slots__ = ("_before", "add", "counter")

    def __init__(self) -> None:
        # Its next() is one step of the interpreter, an atomic one where there is no GIL, and all that the user's
        # thread does.
        self.counter = itertools.count()
        self.add = self.counter.__next__
        self._before = 0
        _all.append(self)

    @property
    def total(self) -> int:
        """How often, since this process began."""
        return self._reached() - self._before

    def restart(self) -> None:
        """Count from zero again; `add` stays what it is, since others keep it."""
        self._before = self._reached()

    def _reached(self) -> int:
        return int(repr(self.counter)[len("count(") : -1])  # Its `next` would count.


spans_stamped, spans_named_at_export, spans_unnamed = Count(), Count(), Count()
ids_cut = {(field, limit): Count() for field in FIELDS for limit in CUT_BY}
ids_refused = {field: Count() for field in FIELDS}
baggage_withheld = {reason: Count() for reason in WITHHELD_FOR}
baggage_refused = {field: Count() for field in ("thread_id", "user_id")}
second_names = Count()
left_out = {field: Count() for field in (LABELS, METADATA)}
spans_full = Count()


@lru_cache(maxsize=1024)
def was_cut(field: str, limit: str, _left: str) -> None:
    """Count an id of which `limit` left `_left`: once, and not for each span, as long as it is remembered."""
    ids_cut[field, limit].add()


def _restart() -> None:
    # What the parent counted, the parent reports.
    global forks
    forks += 1
    for count in _all:
        count.restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart)
