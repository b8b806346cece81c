"""The table in the README, made from the recordings."""

import json
from collections.abc import Iterable
from pathlib import Path

from .environments import ENVIRONMENTS, RECORDINGS

README = RECORDINGS / "README.md"
BEGIN, END = "<!-- made by the recorder: begin -->", "<!-- made by the recorder: end -->"


def table() -> str:
    """Return the table of what is recorded."""
    head = "| recording | package | version | recorded | spans | log records | what it shows |\n"
    rule = "| --- | --- | --- | --- | --: | --: | --- |\n"
    return head + rule + "".join(_rows())


def write_readme() -> None:
    """Put the table into the README, in the place of the one that is there."""
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(f"{before}{BEGIN}\n{table()}{END}{rest.partition(END)[2]}")


def _rows() -> Iterable[str]:
    for name, environment in ENVIRONMENTS.items():
        path: Path = RECORDINGS / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text())
            about = f"{found['package']} | {found['version']} | {found['recorded']}"
            counts = f"{len(found['spans'])} | {len(found.get('logs', []))}"
            yield f"| `{name}` | {about} | {counts} | {environment.shows} |\n"
