"""docs/operations.md knows every counter and every log line; `python tests/test_operations_page.py --write` writes the
table of counters down.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import langwatch_otel
from _servers import clean_environment
from langwatch_otel import metrics

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "operations.md"
TABLE = re.compile(r"(?<=<!-- table of instruments -->\n).*(?=<!-- end of table of instruments -->)", re.DOTALL)
COMMAND = "python tests/test_operations_page.py --write"


def table_of_instruments():
    lines = ["| counter | unit | what it counts | by |", "|---|---|---|---|"]
    for each in metrics.INSTRUMENTS:
        values = {}
        for attributes, _ in each.points:
            for key, value in attributes.items():
                values.setdefault(key, {})[f"`{value}`"] = None
        by = "<br>".join(f"`{key}`: {', '.join(found)}" for key, found in values.items())
        lines.append(f"| `{each.name}` | `{each.unit}` | {each.description} | {by} |")
    return "".join(f"{line}\n" for line in lines)


def text_of(node):
    """What a log line says, with `…` for what is known at run time; None where all of it is."""
    if isinstance(node, ast.JoinedStr):
        return "".join(each.value if isinstance(each, ast.Constant) else "…" for each in node.values)
    return node.value if isinstance(node, ast.Constant) else None


def calls(*names):
    """The first argument of each call of these functions in the package."""
    for path in Path(langwatch_otel.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = getattr(node, "func", None)
            if getattr(called, "id", getattr(called, "attr", None)) in names:
                yield path.name, text_of(node.args[0])


def rows_below(head):
    """The first cells of the table with that head; a line may hold backticks itself."""
    [table] = re.findall(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return re.findall(r"^\| `(.*?)` \| ", table, re.MULTILINE)


def test_the_page_says_what_the_counters_are():
    """The table of counters is what the code declares."""
    [found] = TABLE.findall(PAGE.read_text(encoding="utf-8"))
    assert found == table_of_instruments(), f"run: {COMMAND}"


def test_every_log_line_is_explained():
    """Each reason that the package may log has a row of its own on the page, and the page has no others."""
    said = {text for name, text in calls("say_once") if name != "_guard.py"}
    assert sorted(rows_below("line")) == sorted(said)


def test_every_mistake_of_ours_is_explained():
    """Each thing that may fail while tracing has a row that says what is lost then, and the page has no others."""
    doing = {text for name, text in calls("swallowed", "guarded") if name != "_guard.py"}
    assert sorted(rows_below("while")) == sorted(doing)


def test_nothing_is_logged_past_the_guard():
    """The package logs in one place, apart from the workbench's own server."""
    levels = ("debug", "info", "warning", "error", "exception", "critical", "log", "warn")
    assert {name for name, _ in calls(*levels)} == {"_guard.py", "local_server.py"}


def test_the_snippet_runs_as_it_stands():
    """The Python block of the page runs in a fresh process, and says nothing."""
    [snippet] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    program = f"import atexit\natexit.register = lambda *_: None\n{snippet}"  # Nobody listens at its end.
    environment = clean_environment(PYTHONPATH="src")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert (run.returncode, run.stderr) == (0, "")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {COMMAND}")
    PAGE.write_text(TABLE.sub(lambda _: table_of_instruments(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
