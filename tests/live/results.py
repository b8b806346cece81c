"""What was measured, as it was: `results.json`."""

import json
from pathlib import Path

FILE = Path(__file__).parent / "results.json"


def load():
    """{table: {name: row}}."""
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def save(results):
    """Write it down, in an order that does not depend on who was run first."""
    FILE.write_text(json.dumps(results, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def facts(row):
    """What a row says, but for when and of which version."""
    return {key: value for key, value in row.items() if key not in ("date", "version")}
