"""Ids in baggage between us and OpenTelemetry for Node and Go: `python tests/test_languages.py --write` asks them anew.

What they write and read is kept in tests/languages/recorded.json, so that our half is tested without them.
"""

import json
import re
import sys
from pathlib import Path

import pytest
from opentelemetry import propagate
from opentelemetry.trace import SpanKind

import langwatch_otel as langwatch
from _languages import HERE, asked, missing
from _wire import PARENT, border, sent

COMMAND = "python tests/test_languages.py --write"
PAGE = Path(__file__).parent.parent / "docs" / "propagation.md"
RECORDED = HERE / "recorded.json"
BETWEEN_MARKERS = re.compile(r"(?<=<!-- table -->\n).*(?=<!-- end of table -->)", re.DOTALL)
LANGUAGES = {"node": "Node", "go": "Go"}

# {what is awkward in it: the id}
IDS = {
    "letters, digits, `-._~`": "thread-1.a_b~c",
    "spaces": "two  words",
    "comma": "a,b",
    "semicolon": "a;b=c",
    "equals sign": "a=b==",
    "percent": "100%25",
    "plus": "a+b",
    "quotes": "\"a\"'b'`c`",
    "backslash and slash": "a\\b/c?d#e&f",
    "brackets": "([{<a>}])!*|^",
    "umlauts": "Größe äöü",
    "letter and combining mark": "u\u0308",
    "emoji": "👩🏽‍💻 ok",
    "CJK": "会話の番号",
    "right to left": "שיחה محادثة",
    "200 letters": "a" * 200,
    "200 of CJK": "会" * 200,
    "1,024 letters": "a" * 1024,
}


def ours():
    """{name: the header that we write for that id}."""
    with border(max_id_length=1024) as recorder:
        found = {}
        for name, value in IDS.items():
            with langwatch.conversation(thread_id=value):
                found[name] = sent(recorder)
    return found


def read_by_us(headers):
    """{name: the thread on the span of a request that came with that header}."""
    with border(max_id_length=1024) as recorder:
        for name, header in headers.items():
            context = propagate.extract({"traceparent": PARENT, "baggage": header or ""})
            recorder.tracer.start_span(name, context, kind=SpanKind.SERVER).end()
    return {name: found.get("session.id") for name, found in recorder.by_name.items()}


def recorded():
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def test_we_write_what_was_read_by_others():
    """The headers that Node and Go were given when they were asked are those that we write."""
    assert recorded()["ours"] == ours()


@pytest.mark.parametrize("language", LANGUAGES)
def test_we_read_what_others_wrote(language):
    """Every id that Node or Go puts into baggage is on our spans as it was."""
    assert read_by_us(recorded()[language]["written"]) == IDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_others_read_what_we_write(language):
    """Every id that we put into baggage was read by Node and Go as it is."""
    assert recorded()[language]["read"] == IDS


def question():
    return {"write": IDS, "read": ours()}


@pytest.mark.languages
@pytest.mark.parametrize("language", LANGUAGES)
def test_they_still_do(language):
    """Asked again, Node and Go write and read as was recorded."""
    if missing(language):
        pytest.skip(f"not run: {', '.join(missing(language))} not installed")
    assert asked(language, "baggage", question()) == recorded()[language]


def table():
    """The page's table, out of what was recorded and what we read of it now."""
    record = recorded()
    lines = [
        "| an id with | goes out as `session.id=` | Node and Go read ours | we read Node's, Go's |",
        "|---|---|---|---|",
    ]
    by_us = {language: read_by_us(record[language]["written"]) for language in LANGUAGES}
    for name, value in IDS.items():
        header = record["ours"][name].removeprefix("session.id=")
        shown = header if len(header) <= 60 else f"{header[:48]}… ({len(header)} bytes)"
        read = [record[language]["read"][name] == value for language in LANGUAGES]
        reads = [by_us[language][name] == value for language in LANGUAGES]
        lines.append(f"| {name} | `{shown}` | {_said(read)} | {_said(reads)} |")
    return "\n".join(lines) + "\n"


def _said(answers):
    return ", ".join("yes" if answer else "no" for answer in answers)


def test_the_page_says_what_is_so():
    """The table in docs/propagation.md is what was recorded."""
    found = BETWEEN_MARKERS.findall(PAGE.read_text(encoding="utf-8"))
    assert found == [table()], f"write the table anew with: {COMMAND}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(COMMAND)
    record = {"ours": ours(), **{language: asked(language, "baggage", question()) for language in LANGUAGES}}
    RECORDED.write_text(json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BETWEEN_MARKERS.sub(lambda _: table(), page), encoding="utf-8")
