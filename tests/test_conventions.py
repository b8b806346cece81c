"""The conventions: what each writes on which span, and which of them are in force."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import SpanLimits

import langwatch_otel as langwatch
from _cases import CASES, KINDS, WHOLE, attributes_of, spans_of_each_kind
from _recorder import make_provider, named, recording
from _servers import clean_environment
from langwatch_otel import ConfigurationError, LangWatchInstrumentor, config, conventions
from langwatch_otel.conventions._convention import GENAI_SPANS, LOCAL_ROOT, Convention, Limit
from langwatch_otel.identity import Conversation
from langwatch_otel.recording import VALUE_KEYS
from langwatch_otel.rendering import MAX_METADATA_KEYS
from langwatch_otel.spelling import TEXTS

WRITTEN = [name for name in conventions.NAMES if conventions.load(name).writes]


def written(choice, fields=WHOLE, **settings):
    """{kind: attributes} of a span of each kind under the conventions of `choice`."""
    with recording(settings={"conventions": choice, **settings}) as recorder:
        spans = spans_of_each_kind(recorder, langwatch, **fields)
    return {kind: attributes_of(spans[kind]) for kind in KINDS}


def test_each_convention_has_a_module_and_a_case_file():
    """One module, one line in the list, one case file: none is missing and none is left over."""
    folder = Path(conventions.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
    assert (modules, set(CASES)) == (set(conventions.NAMES),) * 2
    assert [each.name for each in conventions.CONVENTIONS] == list(conventions.NAMES)


@pytest.mark.parametrize("name", conventions.NAMES)
def test_a_declaration_is_whole(name):
    """A convention says where it is from, and speaks of fields that there are; only its own keys have limits."""
    found = conventions.load(name)
    assert isinstance(found, Convention)
    assert found.title
    assert found.evidence
    assert all(": " in source or source.startswith("https://") for source in found.evidence)
    texts = {write.field: (write.key, write.on, write.limit) for write in found.writes if write.field in TEXTS}
    assert texts in ({}, {field: (key, LOCAL_ROOT, None) for field, (key, _) in VALUE_KEYS.items()})
    assert {write.field for write in found.writes} <= {*Conversation._fields, *TEXTS}
    keys = [write.key for write in found.writes]
    others = {write.key for each in conventions.CONVENTIONS if each is not found for write in each.writes}
    assert len(keys) == len(set(keys))
    assert {write.key for write in found.writes if write.limit is not None} & others == set()
    assert set(found.shared_limits) <= {"session.id", "user.id", "gen_ai.conversation.id"}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_where(name):
    """A whole conversation gets the attributes of the case file, on each kind of span, and no others."""
    assert written(name) == CASES[name]["writes"]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_late_name_is_written_in_the_same_words(name):
    """Named while its spans are open, a conversation is spelled as if it had been named before."""
    with recording(settings={"conventions": name}) as recorder:
        turn = langwatch.trace(name="turn", capture_input=False, capture_output=False)
        with recorder.tracer.start_as_current_span("server"), turn:
            langwatch.set_conversation(thread_id="thread-1")
            langwatch.set_conversation(**WHOLE)
        found = {span.name: attributes_of(span) for span in recorder.spans}
    expected = CASES[name]["writes"]
    assert found == {"server": expected["server"], "turn": expected["genai"]}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_name_at_export_is_written_in_the_same_words(name):
    """A span that ended before its conversation was known is spelled as if it had been named before."""
    with recording(late=True, settings={"conventions": name}) as recorder:
        with recorder.tracer.start_as_current_span("server"):
            recorder.tracer.start_span("plain").end()
            langwatch.set_conversation(**WHOLE)
        found = {span.name: attributes_of(span) for span in recorder.spans}
    assert found == {kind: CASES[name]["writes"][kind] for kind in ("plain", "server")}


def test_all_of_them_write_what_each_writes():
    """Under `all` a span has the attributes of every convention, each once."""
    expected = {kind: {} for kind in KINDS}
    for name in WRITTEN:
        for kind in KINDS:
            expected[kind].update(CASES[name]["writes"][kind])
    assert written("all") == expected


def test_two_are_on_by_default():
    """Who says nothing gets OpenTelemetry's names and LangWatch's."""
    assert written(None) == written(["otel", "langwatch"])
    assert config.Config().conventions == ("otel", "langwatch")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("otel", ("otel",)), (" Langfuse ,otel,, otel", ("otel", "langfuse")), (["weave", "otel"], ("otel", "weave")),
        (("logfire",), ("logfire",)), ("all", tuple(WRITTEN)), (["all", "otel"], tuple(WRITTEN)),
    ],
)  # fmt: skip
def test_the_setting_takes_names(given, expected):
    """A string with commas and a list are taken, in any case; the order is the catalogue's."""
    assert config.read({"conventions": given}).conventions == expected


def test_the_environment_names_them_too(monkeypatch):
    """OTEL_LANGWATCH_CONVENTIONS is the setting, with the instrumentor and with a processor by hand."""
    monkeypatch.setenv("OTEL_LANGWATCH_CONVENTIONS", "otel,laminar")
    config.activate(None)
    try:
        assert config.active().conventions == ("otel", "laminar")
    finally:
        config.activate(None)


@pytest.mark.parametrize(
    ("given", "got", "hint"),
    [
        ("otel,langfus", "'langfus'", " (perhaps langfuse)"), (["azure"], "'azure'", " (perhaps azure_monitor)"),
        ("Phoenix", "'phoenix'", " (perhaps openinference)"), ("nobody", "'nobody'", ""), ("", "''", ""), (5, "5", ""),
        ([], "[]", ""), ("new-relic", "'new-relic'", " (perhaps new_relic)"), ({"otel": 1}, "{'otel': 1}", ""),
        ("vercel", "'vercel'", "; vercel is read and never written"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_refused_before_anything_changes(given, got, hint):
    """An unknown name raises ConfigurationError with all names and the closest; nothing is turned on."""
    provider = make_provider()
    with pytest.raises(ConfigurationError) as caught:
        LangWatchInstrumentor().instrument(tracer_provider=provider, conventions=given)
    takes = f"names among {', '.join(conventions.NAMES)}, or all{hint}"
    assert str(caught.value) == f"setting 'conventions' takes {takes}, got {got}"
    assert (named(provider), LangWatchInstrumentor().is_instrumented_by_opentelemetry) == ({}, False)


def test_auto_instrumentation_keeps_the_default(said):
    """Where a mistake must not stop the application the default holds, and is said once."""
    chosen = config.read({"conventions": "otel,langfus"}, lenient=True)
    assert chosen.conventions == ("otel", "langwatch")
    assert [reason.split(" takes ")[0] for reason in said()] == ["setting 'conventions'"]


def test_a_second_call_adds_to_the_first():
    """What one instrument() said stays when another says something else."""
    with recording(settings={"conventions": "otel"}) as recorder:
        LangWatchInstrumentor().instrument(tracer_provider=recorder.provider, max_id_length=100)
        assert config.active().conventions == ("otel",)


@pytest.mark.parametrize("choice", [None, "all", *WRITTEN])
def test_no_genai_attribute_lands_on_a_plain_span(choice):
    """Whatever is chosen, `gen_ai.*` stays off other spans; `conversation_id_on` alone says otherwise."""
    for kind in ("plain", "server"):
        assert [key for key in written(choice)[kind] if key.startswith("gen_ai.")] == []
    everywhere = written(choice, conversation_id_on="all")
    nowhere = written(choice, conversation_id_on="none")
    names = config.read({"conventions": choice}).conventions
    asked = any(write.key == "gen_ai.conversation.id" for name in names for write in conventions.load(name).writes)
    assert {"gen_ai.conversation.id" in attributes for attributes in everywhere.values()} == {asked}
    assert {"gen_ai.conversation.id" in attributes for attributes in nowhere.values()} == {False}


AI = ("gen_ai.", "llm.", "ai.", "traceloop.", "braintrust.")


@pytest.mark.parametrize("name", conventions.NAMES)
def test_what_an_ai_filter_looks_for_goes_on_genai_spans_alone(name):
    """A key with a prefix that vendors' filters test for is declared for GenAI spans."""
    writes = [write for write in conventions.load(name).writes if write.key.startswith(AI)]
    assert [write for write in writes if write.on != GENAI_SPANS] == []


def in_a_process(program):
    environment = clean_environment(PYTHONPATH="tests:src")
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_a_vendor_nobody_chose_is_not_loaded():
    """Importing loads the two defaults; others load while the settings are read, none while tracing."""
    program = """
import sys
import langwatch_otel as langwatch
def loaded():
    found = [name.rpartition(".")[2] for name in sys.modules if name.startswith("langwatch_otel.conventions.")]
    return ",".join(sorted(name for name in found if not name.startswith("_")))
print(loaded())
from langwatch_otel import config
config.activate(config.read({"conventions": "otel,weave"}))
print(loaded())
with langwatch.conversation(thread_id="t"):
    print(loaded())
"""
    assert in_a_process(program) == ["langwatch,otel", *["langwatch,otel,weave"] * 2]


ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60) | st.text("ab-é漢", min_size=1)


@given(one=ids, other=ids, length=st.integers(13, 60), ascii_only=st.booleans())
def test_a_vendor_s_limit_never_makes_two_ids_one(one, other, length, ascii_only):
    """An id is within the limit and its characters, what fits is as it was, and two ids stay two."""
    limit = Limit(length, ascii=ascii_only)
    kept = [limit.fit("thread_id", "key", each) for each in (one, other)]
    assert (kept[0] == kept[1]) == (one == other)
    for given_id, fitted in zip((one, other), kept, strict=True):
        assert len(fitted) <= length
        assert fitted.isascii() or not ascii_only
        if len(given_id) <= length and (given_id.isascii() or not ascii_only):
            assert fitted == given_id
        else:
            assert fitted[-13] == "~"


ACCENTED, LONG = "thread-é-1", "x" * 300


def test_a_vendor_s_limit_touches_its_own_keys_only():
    """An id that is too long or not ASCII is changed on the vendor's keys, and stays itself on shared ones."""
    fields = {"thread_id": LONG, "user_id": ACCENTED}
    found = written("otel,langfuse", fields, max_id_length=1024)["plain"]
    assert found == {
        "session.id": LONG,
        "user.id": ACCENTED,
        "langfuse.session.id": "x" * 187 + "~0d4e2ca9e9cb",
        "langfuse.user.id": "thread-_-1~c60230cab340",
    }


def test_a_changed_id_is_said_once_and_without_the_id(said):
    """What a vendor's limit changed is logged once for each key, and neither id is in the log."""
    limit = Limit(20, ascii=True)
    for number in range(3):
        limit.fit("thread_id", "langfuse.session.id", f"{ACCENTED}{number}")
    assert said() == ["langfuse.session.id: an id was changed to what the vendor takes, with a hash of it at its end"]


def test_a_changed_id_is_the_same_in_every_process():
    """What a limit makes of an id depends on the id alone."""
    program = (
        f"from langwatch_otel.conventions._convention import Limit; print(Limit(20).fit('thread_id', 'k', {LONG!r}))"
    )
    assert in_a_process(program) == in_a_process(program) == [Limit(20).fit("thread_id", "k", LONG)]


@pytest.mark.parametrize("name", WRITTEN)
def test_ids_of_every_convention_survive_a_value_length_limit_apart(name):
    """Where a provider cuts values, two threads that begin alike stay two on every key of a convention."""
    shared = "shared-prefix-of-twenty-and-more-"
    with recording(settings={"conventions": name}, span_limits=SpanLimits(max_span_attribute_length=20)) as recorder:
        threads = []
        for number in range(3):
            fields = dict.fromkeys(("thread_id", "user_id"), f"{shared}{number}")
            spans = spans_of_each_kind(recorder, langwatch, **fields)
            threads.append({kind: attributes_of(spans[kind]) for kind in KINDS})
            recorder.exporter.clear()
    for kind, expected in CASES[name]["writes"].items():
        for key in (key for key, value in expected.items() if value in ("thread-1", "user-1")):
            assert len({found[kind][key] for found in threads}) == 3


@pytest.mark.parametrize("choice", ["all", "otel,langfuse,new_relic"])
def test_a_nearly_full_span_gets_one_thread_and_one_user(choice):
    """Where not all fits a span has the two ids once, whatever is chosen: the first convention's."""
    full = {f"k{number}": number for number in range(122)}
    with recording(settings={"conventions": choice}) as recorder:
        with langwatch.conversation(**WHOLE):
            recorder.tracer.start_span("full", attributes=full).end()
        assert recorder.by_name == {"full": {**full, "session.id": "thread-1", "user.id": "user-1"}}


def test_a_label_never_becomes_two():
    """In a string that commas part, a comma of the label's own is a semicolon."""
    found = written("langsmith", {"thread_id": "t", "labels": ["a,b", "c"]})["plain"]
    assert found["langsmith.span.tags"] == "a;b,c"


def test_metadata_never_takes_a_field_s_place(said):
    """Metadata whose key would be the vendor's for an id is left out there, logged once, and kept elsewhere."""
    fields = {"thread_id": "t", "metadata": {"session_id": "another", "plan": "pro"}}
    found = written("langwatch,traceloop", fields)["genai"]
    prefix = "traceloop.association.properties."
    assert {key: value for key, value in found.items() if key.startswith(prefix)} == {
        prefix + "session_id": "t",
        prefix + "plan": "pro",
    }
    assert found["langwatch.metadata.session_id"] == "another"


def test_metadata_in_one_object_is_json():
    """One JSON object has objects and lists as such, once; what is no number in JSON is text."""
    metadata = {"a": {"b": [1, None]}, "list": [1, 2], "text": 'say "é"', "nan": float("nan"), "on": True}
    found = written("openinference", {"thread_id": "t", "metadata": metadata})["genai"]["metadata"]
    assert json.loads(found) == {**metadata, "nan": "nan"}


def test_much_metadata_in_one_object_is_on_the_local_root():
    """GenAI spans have the first 16 keys, the local root all of them, and neither more than 16 KiB."""
    metadata = {f"k{number}": "x" * 500 for number in range(60)}
    found = written("openinference", {"thread_id": "t", "metadata": metadata})
    assert list(json.loads(found["genai"]["metadata"])) == list(metadata)[:MAX_METADATA_KEYS]
    for kind in ("turn", "server"):
        assert list(json.loads(found[kind]["metadata"])) == list(metadata)[:32]
        assert len(found[kind]["metadata"]) <= 16 * 1024
    assert "metadata" not in found["plain"]


def test_metadata_for_genai_spans_that_is_too_much_is_on_the_local_root():
    """What a convention puts on GenAI spans, and is too much for each, is on the local root alone."""
    fields = {"thread_id": "t", "metadata": {"small": 1, "large": "x" * 2000}}
    found = written("traceloop", fields)
    prefix = "traceloop.association.properties."
    keys = {kind: [key for key in found[kind] if key in (prefix + "small", prefix + "large")] for kind in KINDS}
    assert keys == {
        "plain": [],
        "genai": [prefix + "small"],
        "server": [prefix + "large"],
        "turn": [prefix + "small", prefix + "large"],
    }
