"""What the reader remembers of strangers' spans: bounded, and the same while several threads read."""

import sys
import time

from _reading import DECLARED, canonical
from langwatch_otel.conventions._reading import Reader
from langwatch_otel.conventions._reading.plans import MAX_PLAN, MAX_PLANNED


def test_a_strangers_key_is_not_kept_by_the_interpreter():
    """Keys that are not the catalogue's stay out of the table of interned strings: Python 3.12.1 never empties it."""
    keys = [f"{prefix}{time.time_ns()}" for prefix in ("metadata.", "unknown.", "gen_ai.prompt.0.")]
    canonical(dict.fromkeys(keys, "x"))
    copies = ["".join(list(key)) for key in keys]
    assert [sys.intern(copy) is copy for copy in copies] == [True] * len(keys)


def test_endless_new_sets_of_keys_cost_bounded_memory():
    """What keys mean together is remembered up to a number of characters of them; of keys that are no text, nothing."""
    reader = Reader(DECLARED)
    for number in range(2 * MAX_PLANNED // MAX_PLAN):
        reader.canonical(
            {f"{number}-{key}".ljust(200): 1 for key in range(MAX_PLAN // 200)}, scope_name="x" * (number % 2)
        )
        reader.canonical({b"x" * 10_000 + bytes(number): 1})
    plans = [keys for _, known in (reader._common, reader._others) for keys in known]
    assert MAX_PLANNED // 2 < sum(len(key) for keys in plans for key in keys) <= MAX_PLANNED
    assert reader.canonical({"session.id": "t1"}).conversation.thread_id == "t1"
