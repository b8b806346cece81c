"""docs/conventions.md says what the catalogue says; `python tests/test_conventions_page.py --write` writes it down."""

import re
import sys
from pathlib import Path

import pytest

from _cases import CASES, KINDS
from langwatch_otel import config, conventions
from langwatch_otel.conventions._convention import COMMA, EVERY_SPAN, JSON, TRUE

PAGE = Path(__file__).parent.parent / "docs" / "conventions.md"
COMMAND = "python tests/test_conventions_page.py --write"

FIELDS = ("thread_id", "user_id", "customer_id", "labels", "metadata", "input", "output")
DEFAULT = config.Config().conventions
BY_DEFAULT = {(write.on, write.key) for name in DEFAULT for write in conventions.load(name).writes}
SHAPES = {COMMA: " in one string, by commas", JSON: " as one JSON object", TRUE: " = true"}


def table(head, rows):
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return (
        "".join("| " + " | ".join(line) + " |\n" for line in lines).replace("| --- ", "|---").replace("|--- |", "|---|")
    )


def key_of(key):
    return f"`{key}*`" if key.endswith(".") else f"`{key}`"


def written(convention, field):
    """Say under which keys `field` is written, and where if not on every span."""
    said = []
    for write in convention.writes:
        if write.field == field:
            more = "" if (write.on, write.key) in BY_DEFAULT else "+ "
            on = "" if write.on == EVERY_SPAN else f" ({write.on})"
            said.append(f"{more}{key_of(write.key)}{SHAPES.get(write.shape, '')}{on}")
    return "<br>".join(said)


def lacking(convention):
    """Return the fields that the backend cannot see by default: nothing that it reads, or needs beside, is written."""
    seen = {key for _, key in BY_DEFAULT}
    unseen = {
        write.field
        for write in convention.writes
        if (write.on, write.key) not in BY_DEFAULT
        and (
            write.shape == TRUE or write.field == "metadata" or seen.isdisjoint(getattr(convention.reads, write.field))
        )
    }
    return [field for field in FIELDS if field in unseen]


def table_of_choices():
    rows = []
    for each in conventions.CONVENTIONS:
        if each.name in DEFAULT:
            why = "on by default"
        elif not each.writes:
            why = "never written: its spans are read"
        else:
            why = ", ".join(lacking(each)) or "the default is enough"
        rows.append([each.title, f"`{each.name}`", why])
    return table(["backend", "convention", "turn it on for"], rows)


def table_of_writes():
    rows = [[f"`{each.name}`", *(written(each, field) for field in FIELDS)] for each in conventions.CONVENTIONS]
    return table(["convention", *FIELDS], [row for row in rows if any(row[1:])])


def table_of_counts():
    titles = {
        "plain": "any span",
        "genai": "a GenAI span",
        "server": "a local root",
        "turn": "`@trace()` as a local root",
    }
    choices = {"otel": ["otel"], "otel,langwatch": DEFAULT, "all": CASES}
    rows = []
    for title, names in choices.items():
        counts = [len({key for name in names for key in CASES[name]["writes"][kind]}) for kind in KINDS]
        rows.append([f"`{title}`", *map(str, counts)])
    return table(["attributes of five fields, metadata with two keys", *(titles[kind] for kind in KINDS)], rows)


def table_of_limits():
    rows = []
    for each in conventions.CONVENTIONS:
        own = {write.key: write.limit for write in each.writes if write.limit is not None}
        for key, limit in {**own, **each.shared_limits}.items():
            takes = f"{limit.length} characters" + (" of US-ASCII" if limit.ascii else "")
            beyond = "its own key: we keep to it" if key in own else f"{limit.beyond}, by the vendor"
            rows.append([each.title, f"`{key}`", takes, beyond])
    return table(["backend", "attribute", "takes", "beyond"], rows)


def list_of_notes():
    return "".join(f"- **{each.title}**: {' '.join(each.notes)}\n" for each in conventions.CONVENTIONS if each.notes)


def list_of_reads():
    lines = []
    for each in conventions.CONVENTIONS:
        reads = each.reads
        fields = {field: getattr(reads, field) for field in ("thread_id", "user_id", "customer_id", "labels")}
        fields |= {
            "metadata": (*reads.metadata, *reads.metadata_prefixes),
            "input": reads.input,
            "output": reads.output,
        }
        lines.append(f"- **{each.title}**\n")
        lines += [f"  - {field}: {', '.join(map(key_of, keys))}\n" for field, keys in fields.items() if keys]
    return "".join(lines)


def list_of_evidence():
    lines = []
    for each in conventions.CONVENTIONS:
        sources = (f"<{source}>" if source.startswith("https:") else f"`{source}`" for source in each.evidence)
        lines.append(f"- **{each.title}**: {', '.join(sources)}\n")
    return "".join(lines)


PARTS = {
    "table of choices": table_of_choices,
    "table of writes": table_of_writes,
    "table of counts": table_of_counts,
    "table of limits": table_of_limits,
    "list of notes": list_of_notes,
    "list of reads": list_of_reads,
    "list of evidence": list_of_evidence,
}


def between_markers(part):
    return re.compile(rf"(?<=<!-- {part} -->\n).*(?=<!-- end of {part} -->)", re.DOTALL)


@pytest.mark.parametrize("part", PARTS)
def test_the_page_says_what_the_catalogue_says(part):
    """Each table and list of docs/conventions.md is what the conventions declare."""
    [found] = between_markers(part).findall(PAGE.read_text(encoding="utf-8"))
    assert found == PARTS[part](), f"run: {COMMAND}"


def test_the_example_does_what_it_says():
    """What the page asserts of `canonical()` holds."""
    [example] = [
        text for text in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "assert" in text
    ]
    exec(example, {})


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {COMMAND}")
    page = PAGE.read_text(encoding="utf-8")
    for part, made in PARTS.items():
        page = between_markers(part).sub(lambda _, made=made: made(), page)
    PAGE.write_text(page, encoding="utf-8")
