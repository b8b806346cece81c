"""What the reader remembers of strangers' spans: bounded, and the same while several threads read."""

import sys
import time

from _reading import DECLARED, canonical
from langwatch_otel.conventions._reading import Reader
from langwatch_otel.conventions._reading.grouped import Grouped
from langwatch_otel.conventions._reading.keys import Meaning
from langwatch_otel.conventions._reading.plans import MAX_PLAN, MAX_PLANNED
from langwatch_otel.conventions._reading.remembered import MAX_REMEMBERED, Memory, Remembered


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


def test_what_was_dropped_while_it_was_made_stays_bounded():
    """Findings that the shared memory no longer knows of, as two threads may leave them, are bounded by themselves."""
    memory = Memory()
    found = Remembered(Grouped({"thread_id": [Meaning("thread_id", 0, "k")]}), lambda _, given: given["k"], memory)
    memory.drop()
    for number in range(3 * MAX_REMEMBERED):
        found.read({"k": str(number)})
    assert 0 < len(found) <= MAX_REMEMBERED


def test_a_list_in_one_thread_does_not_disturb_another():
    """A reading that goes through the places of lists goes on, while another finds a list in a new place."""
    reader = Reader(DECLARED)
    reader.canonical({"langwatch.labels": ["a"], "tag.tags": "b"})
    [remembered] = reader._names.values()
    going_through = iter(remembered._lists)
    reader.canonical({"langwatch.labels": "a", "tag.tags": ["b"]})
    assert (list(going_through), remembered._lists) == ([0], {0, 1})
