"""docs/backends.md and docs/peers.md say what was measured, and nothing that was not."""

from datetime import date

import pytest

from live import peers, pipelines, vendors
from live.__main__ import run
from live.backends import BACKENDS
from live.page import DOCS, PARTS, between_markers
from live.results import load, save

COMMAND = "cd tests && python -m live.page"


@pytest.mark.parametrize(("page", "part"), [(page, part) for page, parts in PARTS.items() for part in parts])
def test_a_page_says_what_was_measured(page, part):
    """Each generated part is as the recorded results say."""
    [found] = between_markers(part).findall((DOCS / page).read_text(encoding="utf-8"))
    assert found == PARTS[page][part](), f"run: {COMMAND}"


def test_every_row_is_there_and_dated():
    """Results are of what can be run now, each with its date, and with a version or the reason why it was not run."""
    tables = {
        "backends": [*BACKENDS],
        "pipelines": [*pipelines.PIPELINES],
        "vendors": [*vendors.VENDORS],
        "peers": [*peers.PEERS],
    }
    assert {table: sorted(rows) for table, rows in load().items()} == {table: sorted(tables[table]) for table in tables}
    for rows in load().values():
        for row in rows.values():
            assert date(2026, 1, 1) < date.fromisoformat(row["date"]) <= date.max
            assert ("version" in row) != ("not run" in row)


@pytest.mark.parametrize("table", ["backends", "pipelines", "vendors", "peers"])
def test_what_was_not_run_does_not_look_as_if_it_was(monkeypatch, table):
    """A row that could not be run has its reason and no number."""
    results = {"not run": "go, which builds it, is not installed", "date": "2026-11-23"}
    monkeypatch.setattr("live.page.load", lambda: {table: dict.fromkeys(load()[table], results)})
    [(page, part)] = {
        "backends": [("backends.md", "backends")],
        "pipelines": [("backends.md", "pipelines")],
        "vendors": [("backends.md", "sdks")],
        "peers": [("peers.md", "own")],
    }[table]
    lines = PARTS[page][part]().splitlines()[2:]
    assert len(lines) == len(load()[table])
    for line in lines:
        assert [cell.strip() for cell in line.split("|")[2:-1] if cell.strip()] == [
            "not run: go, which builds it, is not installed",
            "2026-11-23",
        ]


def test_a_row_that_cannot_be_run_says_so_and_leaves_what_was_measured(monkeypatch, tmp_path):
    """Without Go and without what it builds, Jaeger's row has the reason; a row of an earlier day stays."""
    monkeypatch.setattr("live.jaeger.CACHE", tmp_path)
    monkeypatch.setattr("live.results.FILE", tmp_path / "results.json")
    monkeypatch.setenv("PATH", "")
    run("backends", "jaeger")
    reason = {"not run": "go, which builds it, is not installed", "date": date.today().isoformat()}
    assert load() == {"backends": {"jaeger": reason}}
    earlier = {"backends": {"jaeger": {"version": "1.0", "date": "2026-11-01"}}}
    save(earlier)
    run("backends", "jaeger")
    assert load() == earlier
