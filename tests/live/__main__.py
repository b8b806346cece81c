"""Runs the rows again, and writes the pages: `python -m live [name ...]` in the folder `tests`.

Each backend, pipeline and SDK is installed in an environment of its own, kept for the next time in the folder that
`LIVE_CACHE` names. A row that cannot be run says so, and one that was run before stays as it was then, with its date.
"""

import sys
from datetime import date

from . import measuring, page, peers, pipelines, vendors
from .backends import BACKENDS
from .environments import CannotRunError
from .results import load, save

TABLES = {
    "backends": (measuring.measure, tuple(BACKENDS)),
    "pipelines": (pipelines.measure, pipelines.PIPELINES),
    "vendors": (vendors.measure, tuple(vendors.VENDORS)),
    "peers": (peers.measure, peers.PEERS),
}


def run(table, name):
    """Measure one row, and write it down."""
    measure, _ = TABLES[table]
    results = load()
    rows, today = results.setdefault(table, {}), date.today().isoformat()
    try:
        rows[name] = {"date": today, **measure(name)}
    except CannotRunError as reason:
        print(f"{table}: {name}: not run: {reason}", flush=True)
        rows.setdefault(name, {"date": today, "not run": str(reason)})
    else:
        print(f"{table}: {name}: {rows[name]}", flush=True)
    save(results)


def main(names):
    """Run `names`, each a table or a row of any, or everything."""
    known = {*TABLES, *(name for _, rows in TABLES.values() for name in rows)}
    if unknown := set(names) - known:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    for table, (_, rows) in TABLES.items():
        for name in rows:
            if not names or table in names or name in names:
                run(table, name)
    page.write()


if __name__ == "__main__":
    main(sys.argv[1:])
