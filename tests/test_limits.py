"""Limits: how many attributes a span holds, how long a value is, how long an id."""

import subprocess
import sys
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import SpanLimits

import langwatch_otel as langwatch
from _recorder import recording
from _servers import clean_environment
from langwatch_otel.privacy import cut

IDS = {"session.id": "t", "user.id": "u"}
EVERYTHING = {"customer_id": "c", "labels": ["a"], "metadata": {"plan": "pro"}}


def attributes(count, start=0):
    return {f"k{number}": number for number in range(start, start + count)}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("own", [123, 124, 126, 127, 128])
def test_a_nearly_full_span_gets_the_two_ids_only(late, own):
    """Where not all fits the span gets the two ids; a full one gives its two oldest attributes for them."""
    full = {"langwatch.customer.id": "c", "langwatch.labels": ("a",), "langwatch.metadata.plan": "pro"}
    with recording() as recorder:
        if late:
            with recorder.tracer.start_as_current_span("full", attributes=attributes(own)):
                langwatch.set_conversation("t", "u", **EVERYTHING)
        else:
            with langwatch.conversation(thread_id="t", user_id="u", **EVERYTHING):
                recorder.tracer.start_span("full", attributes=attributes(own)).end()

        kept = attributes(own) if own <= 126 else attributes(126, start=own - 126)
        assert recorder.by_name == {"full": {**kept, **IDS, **(full if own == 123 else {})}}
        assert [span.dropped_attributes for span in recorder.spans] == [max(0, own - 126)]


@pytest.mark.parametrize("own", [123, 124, 128])
def test_a_nearly_full_span_that_had_ended_gets_the_two_ids_only(own):
    """At export a span takes no more than it had room for, but for the two ids; it loses nothing for them."""
    full = {"langwatch.customer.id": "c", "langwatch.labels": ("a",), "langwatch.metadata.plan": "pro"}
    with recording(late=True) as recorder, recorder.tracer.start_as_current_span("request"):
        recorder.tracer.start_span("full", attributes=attributes(own)).end()
        langwatch.set_conversation("t", "u", **EVERYTHING)
        found = recorder.by_name["full"]
    assert found == {**attributes(own), **IDS, **(full if own == 123 else {})}


def test_a_text_that_is_added_at_export_is_as_long_as_on_an_open_span():
    """A value length limit that every id fits in cuts labels and metadata on spans that had ended too."""
    with recording(late=True, span_limits=SpanLimits(max_span_attribute_length=10)) as recorder:
        with recorder.tracer.start_as_current_span("open"):
            recorder.tracer.start_span("ended").end()
            langwatch.set_conversation("t", labels=["a" * 30, "b"], metadata={"plan": "enterprise plan", "n": 7})
        found = recorder.by_name
    labels = {"langwatch.labels": ("a" * 10, "b")}
    assert found["open"] == {
        "session.id": "t",
        **labels,
        "langwatch.metadata.plan": "enterprise",
        "langwatch.metadata.n": 7,
    }
    assert found["ended"] == found["open"]


@pytest.mark.parametrize("late", [False, True])
def test_a_span_that_fills_up_is_named_at_export(late):
    """A span that fills up later evicts its ids, and has them again with ConversationSpanExporter."""
    with recording(late) as recorder, langwatch.conversation(thread_id="t", user_id="u", **EVERYTHING):
        with recorder.tracer.start_as_current_span("filled") as span:
            span.set_attributes(attributes(128))

        assert recorder.by_name == {"filled": {**attributes(128), **(IDS if late else {})}}
        assert [span.dropped_attributes for span in recorder.spans] == [5]


@pytest.mark.parametrize("fields", [{"customer_id": "c"}, {"labels": ["a"]}, {"metadata": {"a": 1}}])
def test_a_full_span_loses_one_attribute_to_a_thread_alone(fields):
    """What is not one of the two ids takes no place on a full span, however little there is of it."""
    with recording() as recorder, langwatch.conversation(thread_id="t", **fields):
        recorder.tracer.start_span("full", attributes=attributes(128)).end()
        assert recorder.by_name == {"full": {**attributes(127, start=1), "session.id": "t"}}


def test_smaller_limits_of_a_provider_are_learned():
    """A provider's lower limit costs the first span that meets it; later ones get the ids alone."""
    limits = SpanLimits(max_span_attributes=10)
    with recording(span_limits=limits) as recorder:
        with langwatch.conversation(thread_id="t", user_id="u", **EVERYTHING):
            for name in ("empty", "first", "second"):
                recorder.tracer.start_span(name, attributes=attributes(0 if name == "empty" else 8)).end()
        found = recorder.by_name
        assert len(found["empty"]) == 5
        assert found["first"].items() >= IDS.items()
        assert found["second"] == {**attributes(8), **IDS}


LONG = "shared-prefix-of-twenty-and-more-"


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("limit", [1, 12, 13, 20, 40])
def test_long_ids_survive_a_value_length_limit_apart(late, limit):
    """Ids that share a long prefix stay apart under a value length limit, the same on every span."""
    with recording(late, span_limits=SpanLimits(max_span_attribute_length=limit)) as recorder:
        for number in range(4):
            with recorder.tracer.start_as_current_span("request"):
                recorder.tracer.start_span("early").end()
                langwatch.set_conversation(f"{LONG}{number:010}", f"{LONG}user-{number:010}", f"{LONG}c-{number:09}")
                with langwatch.span(name="ours"):
                    pass
        keys = {
            "request": ("session.id", "user.id", "langwatch.customer.id"),
            "ours": ("session.id", "user.id", "gen_ai.conversation.id", "langwatch.thread.id"),
            "early": ("session.id", "user.id", "langwatch.customer.id") if late else (),
        }
        found = {
            key: [span.attributes[key] for span in recorder.spans if key in keys[span.name]]
            for key in ("session.id", "user.id", "langwatch.customer.id")
        }
        distinct = {key: len(set(values)) for key, values in found.items()}
        ours = [span.attributes for span in recorder.spans if span.name == "ours"]

    assert {len(value) for values in found.values() for value in values} == {limit}
    assert [each["gen_ai.conversation.id"] for each in ours] == [each["session.id"] for each in ours]
    assert distinct == dict.fromkeys(found, 4) or limit == 1


def test_a_user_alone_survives_a_value_length_limit():
    """Users that share a prefix stay apart even where no thread is named."""
    with recording(span_limits=SpanLimits(max_span_attribute_length=20)) as recorder:
        for number in range(3):
            with langwatch.conversation(user_id=f"{LONG}{number}"):
                recorder.tracer.start_span("span").end()
        assert len({span.attributes["user.id"] for span in recorder.spans}) == 3


def test_the_environment_limits_values_too():
    """OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT shorter than the ids never makes two threads one."""
    program = """
import langwatch_otel as langwatch
from _recorder import recording
with recording() as recorder:
    for number in range(3):
        with recorder.tracer.start_as_current_span("request"):
            langwatch.set_conversation(f"shared-prefix-of-twenty-and-more-{number}")
    print(*[span.attributes["session.id"] for span in recorder.spans])
"""
    environment = clean_environment(OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT="20", PYTHONPATH="tests:src")
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [cut(f"{LONG}{number}", 20) for number in range(3)]


@settings(max_examples=60, deadline=None)
@given(longest=st.integers(16, 1024), length=st.integers(1, 2500), letter=st.sampled_from("aé漢😀"))
def test_an_id_is_cut_in_one_way(longest, length, letter):
    """An id above `max_id_length` is its beginning, `~` and 12 characters of hash, on every key."""
    ids = [letter * length + end for end in ("x", "y")]
    keys = ("session.id", "gen_ai.conversation.id", "langwatch.thread.id", "user.id", "langwatch.customer.id")
    with recording(settings={"max_id_length": longest}) as recorder:
        for each in ids:
            with langwatch.trace(name="f", thread_id=each, user_id=each, customer_id=each):
                assert langwatch.get_conversation()[:3] == (cut(each, longest),) * 3
        found = [{span.attributes[key] for key in keys} for span in recorder.spans]

    assert found == [{cut(each, longest)} for each in ids]
    assert cut(ids[0], longest) != cut(ids[1], longest)
    if length + 1 > longest:
        assert [(len(each), each[: longest - 13], each[-13]) for each in (cut(ids[0], longest),)] == [
            (longest, ids[0][: longest - 13], "~")
        ]


def test_a_cut_id_is_the_same_in_every_process():
    """The cut of a known id is a known text, so that services agree."""
    assert cut("a" * 201, 200) == "a" * 187 + "~a92efd821093"


NUMBER = uuid.UUID("12345678123456781234567812345678")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (7, "7"), (0, "0"), (-1, "-1"), (10**30, "1" + "0" * 30), (10**10_000, None), (NUMBER, str(NUMBER)),
        (True, None), (b"t", None), ("", None), (" \t\n", None), (1.5, None), (["t"], None), (object(), None),
        (" t ", " t "), ("t\ud800", "t\\ud800"), ("a\x00b", "a\x00b"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_an_id_is(given, expected):
    """Strings, whole numbers and UUIDs are ids, as strings; what is blank or of another type is none."""
    with recording() as recorder:
        with recorder.tracer.start_as_current_span("request"):
            langwatch.set_conversation(given, given, given)
        keys = ("session.id", "user.id", "langwatch.customer.id")
        assert recorder.by_name == {"request": {} if expected is None else dict.fromkeys(keys, expected)}


def test_lone_surrogates_cost_nothing(caplog):
    """What UTF-8 cannot say, wherever it stands, costs no span and no attribute on the way out over OTLP."""
    bad = "x\ud800"
    with recording(settings={"capture_content": True}) as recorder:
        with (
            langwatch.trace(name=bad, thread_id=bad, labels=[bad], metadata={bad: bad, "a": [bad], "d": {bad: bad}}),
            langwatch.span(name="b", type=bad, model=bad) as span,
        ):
            span.update(name=bad, input={bad: bad}, output=bad, params=[bad], **{bad: bad})
        with pytest.raises(ValueError), langwatch.span(name="failed") as span:
            raise ValueError(bad)
        spans = [span for span in recorder.spans if span.name != "failed"]
        expected = [len(span.attributes) for span in spans]
        sent = encode_spans(spans).resource_spans[0].scope_spans[0].spans
        assert [len(span.attributes) for span in sent] == expected
        assert [span.status.description for span in recorder.spans if span.name == "failed"] == [r"ValueError: x\ud800"]
    assert [each for each in caplog.messages if "encode" in each] == []
