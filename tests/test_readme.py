"""The README's commands and snippets, and those of the page on propagation."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROPAGATION = (ROOT / "docs" / "propagation.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README + PROPAGATION, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_runs_as_it_stands(snippet):
    """Every Python block of the README and of the page on propagation runs in a fresh process, and says nothing."""
    run = subprocess.run(
        [sys.executable, "-c", snippet],
        capture_output=True,
        text=True,
        env={"OPENAI_API_KEY": "none", "OTEL_TRACES_EXPORTER": "none", "PATH": "/usr/bin:/bin"},
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_the_readme_opens_with_one_line_that_runs_the_demo_and_one_that_runs_the_tests():
    """The first two console blocks are one command each."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    assert [(block.count("\n"), block.split("/")[-1]) for block in blocks[:2]] == [
        (1, "langwatch-otel demo\n"),
        (1, "pytest -n 2 --dist loadfile\n"),
    ]
