"""Which spans of which kind of endpoint carry the id; `python tests/test_fastapi_table.py --write` writes it down."""

import functools
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

import endpoints
import endpoints_around
import endpoints_long
from _making import KINDS, NATIVE
from _measuring import MODES, measure

__all__ = ["endpoints", "endpoints_around", "endpoints_long"]  # Imported for the kinds that they add.

PAGE = Path(__file__).parent.parent / "docs" / "fastapi.md"
BETWEEN_MARKERS = re.compile(r"(?<=<!-- table -->\n).*(?=<!-- end of table -->)", re.DOTALL)
COMMAND = "python tests/test_fastapi_table.py --write"

every_mode = pytest.mark.parametrize("mode", MODES)


@functools.cache
def measured(mode):
    """{label: requests} of every kind: with a thread, without, with another."""
    return measure(KINDS, mode)


def with_a_thread(mode, kind):
    """Every span of the kind's requests that were named."""
    return [seen for request in measured(mode)[kind.label] if request.thread is not None for seen in request.spans]


@every_mode
def test_endpoints_of_every_kind_make_their_spans(mode):
    """Each kind of endpoint does all its work in each of its requests, named or not."""
    found = {label: [request.own for request in requests] for label, requests in measured(mode).items()}
    assert found == {kind.label: [Counter(kind.spans)] * 3 for kind in KINDS}


@every_mode
def test_every_span_of_a_request_carries_its_thread(mode):
    """Named at export, each span has the thread that it is meant for, but for the kinds that the page explains."""
    kinds = [kind for kind in KINDS if not kind.note]
    found = {kind.label: [(seen.name, seen.named) for seen in with_a_thread(mode, kind)] for kind in kinds}
    assert found == {kind.label: [(seen.name, seen.meant) for seen in with_a_thread(mode, kind)] for kind in kinds}


@every_mode
def test_without_the_exporter_only_what_had_ended_is_unnamed(mode):
    """What was open when the conversation was named, or started later, has its thread with any exporter."""
    kinds = [kind for kind in KINDS if not kind.late]
    found = {kind.label: [seen for seen in with_a_thread(mode, kind) if is_late(seen)] for kind in kinds}
    assert found == {kind.label: [] for kind in kinds}


@every_mode
def test_a_request_leaves_nothing_to_the_next(mode):
    """A request that nobody names, between two that are named on the same connection, has no thread and own traces."""
    unnamed = {label: requests[1] for label, requests in measured(mode).items()}
    carried = {label: {(seen.named, seen.bare) for seen in request.spans} for label, request in unnamed.items()}
    assert carried == {kind.label: {(None, None)} for kind in KINDS}
    traces = Counter(trace for requests in measured(mode).values() for request in requests for trace in request.traces)
    assert set(traces.values()) == {1}


def is_late(seen):
    """Whether the span has no thread without our exporter though it had not ended when the thread was named."""
    return seen.bare is None and seen.named is not None and not seen.ended_before


def listed(names):
    return ", ".join(f"`{name}`" for name in sorted(names))


def cell(spans):
    """Say which of `spans`, as named at export, do not carry what they are meant to."""
    unnamed = {seen.name for seen in spans if seen.named is None}
    wrong = {seen.name for seen in spans if seen.named not in (None, seen.meant)}
    but = [f"not {listed(unnamed)}"] if unnamed else []
    but += [f"another's on {listed(wrong)}"] if wrong else []
    return "; ".join(but) or "all"


def row(kind):
    """Return (cells, notes) of `kind`: what each mode's spans carry, and which do not without our exporter."""
    seen = {mode: with_a_thread(mode, kind) for mode in MODES}
    cells = [cell(spans) for spans in seen.values()]
    late = {each.name for spans in seen.values() for each in spans if each.bare is None and each.named is not None}
    return (*cells, listed(late) or "none"), tuple(note for note in (kind.note, kind.late) if note)


def table():
    """Return what belongs between the markers: a row for each kind, alike ones together, and the notes."""
    rows, notes = {}, []
    for kind in KINDS:
        group, _, variant = kind.label.partition(": ")
        cells, of_kind = row(kind)
        notes += [note for note in of_kind if note not in notes]
        rows.setdefault((group, cells, of_kind), []).append(variant)
    lines = [
        "| endpoint | " + " | ".join(MODES) + " | only through the exporter | why |",
        "|---" * (len(MODES) + 3) + "|",
    ]
    for (group, cells, of_kind), variants in rows.items():
        label = f"{group}: {'; '.join(variants)}" if all(variants) else group
        why = ", ".join(str(notes.index(note) + 1) for note in of_kind)
        lines.append("| " + " | ".join((label, *cells, why)) + " |")
    lines += ["", *(f"{number}. {note[0].upper()}{note[1:]}." for number, note in enumerate(notes, 1))]
    return "\n".join(lines) + "\n"


@pytest.mark.skipif(not NATIVE, reason="not run: the page is of a FastAPI that makes spans of its own")
def test_the_page_says_what_is_measured():
    """The table of docs/fastapi.md is what real requests gave."""
    [written] = BETWEEN_MARKERS.findall(PAGE.read_text(encoding="utf-8"))
    assert written == table(), f"run: {COMMAND}"


@pytest.mark.skipif(not NATIVE, reason="not run: the page is of a FastAPI that makes spans of its own")
def test_the_page_explains_what_is_not_carried_and_nothing_else():
    """A kind has a note where some span of it has no thread, or another's, and only there."""
    notes = {kind.label: (bool(kind.note), bool(kind.late)) for kind in KINDS}
    seen = {kind.label: [each for mode in MODES for each in with_a_thread(mode, kind)] for kind in KINDS}
    assert notes == {label: (cell(spans) != "all", any(map(is_late, spans))) for label, spans in seen.items()}


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {COMMAND}")
    page = PAGE.read_text(encoding="utf-8")
    written = table()
    PAGE.write_text(BETWEEN_MARKERS.sub(lambda _: written, page), encoding="utf-8")
