"""collector-config.yaml says what the catalogue says; `python tests/test_collector_config.py --write` writes it."""

import re
import sys
from pathlib import Path

import pytest

from _collector_blocks import BLOCKS

CONFIG = Path(__file__).parent.parent / "collector-config.yaml"
COMMAND = "python tests/test_collector_config.py --write"


def between_markers(block):
    """The pattern of a generated part: the lines between its markers."""
    return re.compile(rf"(?<=\n)( +# generated: {block}\n).*?( +# end of generated\n)", re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_generated_block_is_up_to_date(block):
    """What the file says of names is what the catalogue of conventions says."""
    found = between_markers(block).search(CONFIG.read_text(encoding="utf-8"))
    assert found[0] == found[1] + BLOCKS[block]() + found[2], f"run: {COMMAND}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {COMMAND}")
    text = CONFIG.read_text(encoding="utf-8")
    for name, made in BLOCKS.items():
        text = between_markers(name).sub(lambda found, made=made: found[1] + made() + found[2], text)
    CONFIG.write_text(text, encoding="utf-8")
