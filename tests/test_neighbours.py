"""Other vendors' SDKs beside us, as released, each in a service of its own; `python tests/test_neighbours.py --write`
writes the table of docs/neighbours.md down.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from _neighbours import NEIGHBOURS, crewed, logged, ran

pytestmark = [pytest.mark.neighbours, pytest.mark.timeout(900)]

PAGE = Path(__file__).parent.parent / "docs" / "neighbours.md"
TABLE = re.compile(r"(?<=<!-- table of neighbours -->\n).*(?=<!-- end of table of neighbours -->)", re.DOTALL)
COMMAND = "python tests/test_neighbours.py --write"

ORDERS = {
    "instrument-second": "theirs, `instrument()`",
    "instrument-first": "`instrument()`, theirs",
    "setup-second": "theirs, `setup()`",
    "setup-first": "`setup()`, theirs",
}
OUR_SCOPES = ("fastapi", "application", "langwatch_otel")
OUR_NAMES = ("plain", "ours", "POST /chat", "POST /session", "fastapi.endpoint", "fastapi.serialization")

# What OpenTelemetry or a vendor says anew in every process or for every span.
NEW_EVERY_TIME = re.compile(
    r"time|duration|latency|cost|\.id$|span_id|port|address|url|base|host|thread|pid|process|path$|_dd\.|tracestate"
    r"|response|output\.value|code\."
)


class Facts(NamedTuple):
    """What is told of one neighbour, set up in one order."""

    ours: str
    theirs: str
    filter: str
    kept: str


def named(span):
    return span["attributes"].get("session.id") is not None


def is_pending(span):
    """Logfire sends each span as it starts, too."""
    return span["attributes"].get("logfire.span_type") == "pending_span"


def without_pending(spans):
    return [span for span in spans if not is_pending(span)]


def is_theirs(span):
    return span["scope"]["name"] not in OUR_SCOPES and not span["name"].startswith((*OUR_NAMES, "fastapi."))


def told(spans):
    """Which of the spans have ids."""
    if not spans:
        return "not there"
    missing = sorted({span["name"] for span in spans if not named(span)})
    if not missing:
        return "all"
    return "none" if not any(map(named, spans)) else "all but " + ", ".join(f"`{each}`" for each in missing)


def names(spans):
    return {(span["scope"]["name"], span["name"]) for span in without_pending(spans) if span["name"] != "ours"}


def of_turn(number, spans):
    """Their spans of that turn: each makes one of each name in each."""
    found = {}
    for span in sorted(without_pending(spans), key=lambda span: span.get("_time", 0)):
        if is_theirs(span):
            found.setdefault(span["name"], []).append(span)
    return [of_name[number] for of_name in found.values() if len(of_name) > number]


def lost(alone, beside):
    """The attributes of their spans that are gone, or changed, where they had named a session themselves."""
    found = {span["name"]: span["attributes"] for span in of_turn(1, beside)}
    return sorted(
        {
            key
            for span in of_turn(1, alone)
            if span["name"] in found
            for key, value in span["attributes"].items()
            if key not in found[span["name"]]
            or (found[span["name"]][key] != value and (value == "theirs" or not NEW_EVERY_TIME.search(key)))
        }
    )


def facts(name, order, **environment):
    alone, beside = ran(name, "alone").theirs, ran(name, order, **environment)
    # Where the neighbour leaves the application's spans out, they are looked at where the application sends them.
    here = {span["name"] for span in beside.theirs}
    spans = [*beside.theirs, *(span for span in beside.ours if span["name"] not in here)]
    spans = [span for span in without_pending(spans) if span["name"] != "fastapi.dependencies"]  # It had ended.
    gone = lost(alone, beside.theirs)
    exported = "unchanged" if names(alone) == names(beside.theirs) else "its own spans" if beside.theirs else "nothing"
    return Facts(
        told([span for span in spans if span["name"] in OUR_NAMES]),
        told(of_turn(0, spans)),
        exported,
        "nothing" if not gone else ", ".join(f"`{key}`" for key in gone),
    )


def table():
    lines = [
        "| with | set up | ids on your spans | ids on theirs | what they export | what they lose | what to set |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, neighbour in NEIGHBOURS.items():
        found = {}
        for order, title in ORDERS.items():
            found.setdefault(facts(name, order), []).append(title)
        for number, (each, titles) in enumerate(found.items()):
            orders = "in any order" if len(titles) == len(ORDERS) else "; ".join(titles)
            title = f"{neighbour.title}, {neighbour.release}" if number == 0 else ""
            lines.append(f"| {' | '.join((title, orders, *each, neighbour.to_set if number == 0 else ''))} |")
    return "".join(f"{line}\n" for line in lines)


def test_the_page_says_what_the_neighbours_do():
    """The table is what came of the real packages, each set up before us and after us."""
    [found] = TABLE.findall(PAGE.read_text(encoding="utf-8"))
    assert found == table(), f"run: {COMMAND}"


# Their provider is not the one that is in use, or they add no exporter to it; or it is not the SDK's.
APART = {
    *((name, "setup-first") for name in ("laminar", "openlit")),
    *(("datadog", order) for order in ORDERS),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_neighbour_has_all_that_it_had_and_the_ids(name, order):
    """Ids stand on our spans and theirs, their filter takes what it took, and what they wrote stands."""
    expected = Facts("all", "all", "unchanged", "nothing")
    assert (facts(name, order) == expected) is ((name, order) not in APART)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NEIGHBOURS)
def test_nothing_goes_wrong(name, order):
    """Nobody logs a mistake of ours."""
    assert [line for line in ran(name, order).said if "failed while" in line] == []


WHO = '{"thread_id": "session-42", "user_id": "auth0|abc"}'
IDS = ("session.id", "user.id", "gen_ai.conversation.id", "langwatch.thread.id")


def seen_in_logfire(**environment):
    """{kind of span: its ids} as Logfire's server gets them."""
    spans = without_pending(ran("logfire", "instrument-second", NEIGHBOURS_WHO=WHO, **environment).theirs)
    kinds = {"plain": "a span of the application", "ours": "a span of ours", "Chat Completion": "a call of a model"}
    return {
        kind: {key: span["attributes"].get(key) for key in IDS if key in span["attributes"]}
        for begins, kind in kinds.items()
        for span in reversed(spans)
        if span["name"].startswith(begins) and "theirs" not in span["attributes"].values()
    }


def scrubbed(by):
    return f"[Scrubbed due to '{by}']"


def test_what_logfire_scrubs():
    """Logfire replaces `session.id`, and ids with "session" or "auth" in them; not those of a call of a model."""
    assert seen_in_logfire() == {
        "a span of the application": {"session.id": scrubbed("session"), "user.id": scrubbed("auth")},
        "a span of ours": {
            "session.id": scrubbed("session"),
            "user.id": scrubbed("auth"),
            "gen_ai.conversation.id": "session-42",
            "langwatch.thread.id": scrubbed("session"),
        },
        "a call of a model": dict(zip(IDS, ("session-42", "auth0|abc", "session-42", "session-42"), strict=True)),
    }


def snippet_of(heading):
    """The Python block of the page below that heading."""
    return re.findall(rf"\n## {heading}\n.*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]


def test_logfire_keeps_ids_with_the_callback_of_the_page():
    """The Python block of the page, as it stands, has Logfire keep our ids and scrub all else."""
    snippet = snippet_of("Logfire")
    ids = {"session.id": "session-42", "user.id": "auth0|abc"}
    of_ours = {**ids, "gen_ai.conversation.id": "session-42", "langwatch.thread.id": "session-42"}
    assert seen_in_logfire(NEIGHBOURS_SNIPPET=snippet) == {
        "a span of the application": ids,
        "a span of ours": of_ours,
        "a call of a model": of_ours,
    }


def test_openlit_after_setup_has_all_by_the_block_of_the_page():
    """The Python block of the page sends all spans to OpenLIT."""
    found = facts("openlit", "setup-first", NEIGHBOURS_SNIPPET=snippet_of("OpenLIT"))
    assert found == Facts("all", "all", "unchanged", "nothing")


def test_the_provider_that_laminar_keeps_to_itself_is_found():
    """After `setup()` Laminar's spans, which a provider of its own makes, have the ids, and go to Laminar alone."""
    assert facts("laminar", "setup-first") == Facts("all", "all", "its own spans", "nothing")


NO_PROCESSOR = "langwatch_otel: the tracer provider that is set takes no span processor"
NOTHING_KEPT = "langwatch_otel: the OpenTelemetry context of this process keeps no values"


@pytest.mark.parametrize(
    ("how", "with_ids", "said"),
    [
        ("by hand", {"plain", "ours", "fastapi.endpoint", "fastapi.serialization"}, [NO_PROCESSOR]),
        ("auto", {"plain", "ours"}, [NOTHING_KEPT, NO_PROCESSOR]),
    ],
)
def test_what_datadogs_bridge_leaves_to_us(how, with_ids, said):
    """Spans of OpenTelemetry's tracers have the ids as they start, under ddtrace's own context too; the log says so."""
    found = ran("datadog", "instrument-second", NEIGHBOURS_DDTRACE=how)
    ids = {"session.id": "t-1", "user.id": "u-1"}
    seen = {
        span["name"]: {key: value for key, value in span["attributes"].items() if key in IDS}
        for span in found.theirs
        if span["attributes"].get("session.id") not in (None, "theirs")
    }
    of_ours = {**ids, "gen_ai.conversation.id": "t-1", "langwatch.thread.id": "t-1"}
    assert seen == {name: of_ours if name == "ours" else ids for name in with_ids}
    assert [line for line in found.said if not line.startswith(tuple(said))] == []
    assert len(found.said) == len(said)


def test_a_library_that_tells_its_makers_of_its_use_gets_no_span():
    """CrewAI sets a provider that exports to CrewAI: setup()'s does not make way for that one."""
    assert crewed() == ("True True True\n", ["turn"])


HIDING = {"laminar": {"LaminarSpanProcessor"}, "sentry": {"SentrySpanProcessor"}}


@pytest.mark.parametrize("name", ["langfuse", "laminar", "logfire", "sentry", "traceloop"])
def test_backfill_reaches_what_can_be_wrapped_and_names_the_rest(name):
    """With `backfill`, a vendor's processor that hides its exporter is named; all others name at export."""
    beside = ran(name, "instrument-second", '{"backfill": true}')
    hiding = HIDING.get(name, {"CheckSuppressInstrumentationProcessorWrapper"} if name == "logfire" else set())
    line = "langwatch_otel: backfill: {} hides its exporter: what ended before its name goes out there without it"
    assert {line.format(each) for each in hiding} == {each for each in beside.said if "backfill" in each}
    ended = {"langfuse": "ours"}.get(name, "theirs")  # It sends no such span itself.
    early = [named(span) for span in getattr(beside, ended) if span["name"] == "fastapi.dependencies"]
    assert set(early) == {not hiding}


@pytest.mark.parametrize("order", ["first", "second"])
def test_log_records_carry_the_ids(order):
    """Records of `logging` and events of a GenAI instrumentation carry the ids of the turn that they are emitted in."""
    keys = ("session.id", "user.id", "gen_ai.conversation.id")
    found = {
        each["event_name"] or each["body"]: {key: each["attributes"][key] for key in keys if key in each["attributes"]}
        for each in logged(order)
        if each["scope"]["name"] == "application" or each["event_name"]
    }
    ids = {"session.id": "t-1", "user.id": "u-1"}
    event = "gen_ai.client.inference.operation.details"
    assert found == {"outside": {}, "inside": ids, event: {**ids, "gen_ai.conversation.id": "t-1"}}


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {COMMAND}")
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
