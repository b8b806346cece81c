"""The snippets of docs/privacy.md."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from _servers import clean_environment
from langwatch_otel import config

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_runs_as_it_stands(snippet):
    """Every Python block of the page runs in a fresh process, and says nothing."""
    environment = clean_environment(PYTHONPATH="src", OTEL_TRACES_EXPORTER="none")
    run = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_readme_and_the_page_name_the_settings():
    """Each setting of privacy is in the README's table and has a row on the page."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for setting in ("capture_content", "redact", "user_id_hash_key"):
        assert setting in config.SETTINGS
        assert f"| `{setting}" in PAGE
        assert f"| `{setting}` |" in readme
    assert "(docs/privacy.md)" in readme
