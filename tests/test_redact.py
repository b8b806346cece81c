"""`redact` sees every text of ours before it is written and before it is cut; where it fails there is no text."""

import asyncio
import json
import logging
import re
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import langwatch_otel as langwatch
from _recorder import recording
from langwatch_otel import ConfigurationError, LangWatchInstrumentor, config
from langwatch_otel.capture import MAX_BYTES
from langwatch_otel.texts import CUT, MARGIN, MAX_WORK

SECRET = "sk-4711-secret"


def mask(text):
    """What a user would write; half a secret is not found."""
    return text.replace(SECRET, "***")


def everything(tracer, text=SECRET):
    """Hand `text` to everything that is recorded."""

    @langwatch.trace(metadata={"note": text, "all": [text], "deep": {"in": text}}, labels=[text, "beta"])
    def call(argument, *, listed):
        langwatch.get_current_span().update(
            contexts=[text], params={"stop": text}, metrics={"prompt_tokens": 7}, asked=text, number=1
        )
        return {"answer": text, text: 1}

    @langwatch.trace
    def stream():
        yield from (text[:5], text[5:])

    @langwatch.trace
    async def agenerator():
        yield text

    @langwatch.trace
    def fails():
        raise ValueError(f"key {text} refused")

    async def consume():
        return [item async for item in agenerator()]

    call(text, listed=(text, 1))
    assert "".join(stream()) == text
    assert asyncio.run(consume()) == [text]
    with pytest.raises(ValueError):
        fails()
    with langwatch.span(name="handle") as span:
        span.update(input=text, output=[text], error=ValueError(text))
        span.record_exception(ValueError(text))
        span.set_status(langwatch_status(text))
    with langwatch.trace(name="turn") as turn:
        turn.update(input=text, metadata={"late": text})


def langwatch_status(text):
    from opentelemetry.trace import Status, StatusCode

    return Status(StatusCode.ERROR, text)


def test_no_text_is_written_that_redact_did_not_see():
    """Arguments, results, streams, updates, metadata, labels, errors, stacks and descriptions: all are redacted."""
    with recording(settings={"redact": mask, "capture_content": True}) as recorder:
        everything(recorder.tracer)
        spans = {span.name.rpartition(".")[2]: span for span in recorder.spans}
    assert len(spans) == 6
    for span in spans.values():
        assert SECRET not in span.to_json()
    call = dict(spans["call"].attributes)
    assert call == {
        "langwatch.span.type": "span",
        "langwatch.labels": ("***", "beta"),
        "langwatch.metadata.note": "***",
        "langwatch.metadata.all": ("***",),
        "langwatch.metadata.deep": '{"in": "***"}',
        "input.value": '{"argument": "***", "listed": ["***", 1]}',
        "input.mime_type": "application/json",
        "output.value": '{"answer": "***", "***": 1}',
        "output.mime_type": "application/json",
        "langwatch.rag_contexts": '[{"content": "***"}]',
        "langwatch.params": '{"stop": "***"}',
        "langwatch.metrics": '{"prompt_tokens": 7}',
        "gen_ai.usage.input_tokens": 7,
        "asked": "***",
        "number": 1,
    }
    assert [spans[name].attributes["output.value"] for name in ("stream", "agenerator")] == ["***", "***"]
    [event] = spans["fails"].events
    assert spans["fails"].status.description == "ValueError: key *** refused"
    assert {key: value for key, value in event.attributes.items() if key != "exception.stacktrace"} == {
        "exception.type": "ValueError", "exception.message": "key *** refused", "exception.escaped": "False",
    }  # fmt: skip
    assert event.attributes["exception.stacktrace"].endswith("ValueError: key *** refused\n")
    assert len(spans["handle"].events) == 2
    assert spans["turn"].attributes["langwatch.metadata.late"] == "***"


def test_ids_are_never_given_to_it():
    """Thread, user and customer stay as they are, whatever `redact` would make of them."""
    seen = []
    with recording(settings={"redact": lambda text: seen.append(text) or "x"}) as recorder:
        with langwatch.trace(name="turn", thread_id=SECRET, user_id=SECRET, customer_id=SECRET):
            pass
        found = {key: value for key, value in recorder.by_name["turn"].items() if value == SECRET}
    assert found.keys() == {
        "session.id", "user.id", "gen_ai.conversation.id", "langwatch.thread.id", "langwatch.customer.id",
    }  # fmt: skip
    assert seen == []


BEFORE = st.integers(MAX_BYTES - 200, MAX_BYTES + 200)


@settings(max_examples=60, deadline=None)
@given(before=BEFORE, wrap=st.sampled_from([lambda text: text, lambda text: [text], lambda text: {"k": {"v": text}}]))
def test_a_secret_that_the_cut_would_halve_is_seen_whole(before, wrap):
    """A secret on the border of 16 KiB never goes out in part, and what was cut is marked."""
    with recording(settings={"redact": mask, "capture_content": True}) as recorder:
        with langwatch.trace(name="turn") as turn:
            turn.update(output=wrap("a" * (before - 1) + " " + SECRET + " " + "b" * 50_000))
        found = recorder.by_name["turn"]["output.value"]
    assert "sk-" not in found
    assert CUT in found
    least = MAX_BYTES if found.startswith("a") else MAX_BYTES // 2  # A structure is laid out anew with less room.
    assert least - 300 < len(found.encode()) <= MAX_BYTES


def test_half_a_secret_at_the_end_of_what_is_seen_goes_too():
    """Where `redact` shortens so much that the end of what it saw would be kept, that end is left out."""
    text = "b" * (MAX_BYTES + MARGIN - 5) + SECRET * 2

    with recording(settings={"redact": lambda text: text.replace("b", ""), "capture_content": True}) as recorder:
        with langwatch.trace(name="turn") as turn:
            turn.update(output=text)
        assert recorder.by_name["turn"]["output.value"] == CUT


def test_a_stream_is_seen_whole_up_to_the_cut():
    """The pieces of a stream are joined before they are redacted, beyond the cut as well."""
    with recording(settings={"redact": mask, "capture_content": True}) as recorder:

        @langwatch.trace(name="stream")
        def stream():
            yield "a" * (MAX_BYTES - 13)
            yield " sk-47"
            yield "11-secret "
            yield "b" * 50_000

        list(stream())
        found = recorder.by_name["stream"]["output.value"]
    assert found == "a" * (MAX_BYTES - 13) + " *" + CUT


@pytest.mark.parametrize("value", [["x" * 100_000] * 500, dict.fromkeys(range(20_000), "y" * 30), "z" * 10_000_000])
def test_the_work_is_bounded(value):
    """However large a value is, `redact` is given some 64 Ki characters of it, each time that it is laid out."""
    given_to = []
    redact = lambda text: given_to.append(len(text)) or ""  # noqa: E731
    with recording(settings={"redact": redact, "capture_content": True}) as recorder:
        with langwatch.trace(name="turn") as turn:
            turn.update(output=value)
        assert len(recorder.by_name["turn"]["output.value"].encode()) <= MAX_BYTES
    assert 0 < sum(given_to) <= 2 * (MAX_WORK + MARGIN)


def test_a_number_is_seen_as_text():
    """A card number that is an int is redacted like one that is text; other numbers stay numbers."""
    with recording(settings={"redact": lambda text: re.sub(r"\d{16}", "***", text)}) as recorder:
        with langwatch.trace(name="turn", metadata={"card": 4111111111111111, "count": 3}) as turn:
            turn.update(input={"card": 4111111111111111, "price": 1.5, "yes": True, "none": None})
        found = recorder.by_name["turn"]
    assert json.loads(found["input.value"]) == {"card": "***", "price": 1.5, "yes": True, "none": None}
    assert (found["langwatch.metadata.card"], found["langwatch.metadata.count"]) == ("***", 3)


def raises(text):
    raise RuntimeError(SECRET)


FAULTS = {
    "raises": (raises, "redact raised RuntimeError: the text is not recorded"),
    "recurses": (lambda text: FAULTS["recurses"][0](text), "redact raised RecursionError: the text is not recorded"),
    "none": (lambda text: None, "redact returned NoneType, not str: the text is not recorded"),
    "bytes": (lambda text: text.encode(), "redact returned bytes, not str: the text is not recorded"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_where_redact_fails_there_is_no_text(caplog, fault):
    """A `redact` that raises or returns no str costs the texts alone; it is logged once, without content."""
    redact, reason = FAULTS[fault]
    caplog.set_level(logging.DEBUG, "langwatch_otel")
    with recording(settings={"redact": redact, "capture_content": True}) as recorder:
        everything(recorder.tracer)
        spans = {span.name.rpartition(".")[2]: span for span in recorder.spans}
    for span in spans.values():
        assert SECRET not in span.to_json()
    assert dict(spans["call"].attributes) == {
        "langwatch.span.type": "span", "gen_ai.usage.input_tokens": 7,
    }  # fmt: skip
    assert [(event.name, dict(event.attributes)) for event in spans["fails"].events] == [
        ("exception", {"exception.type": "ValueError", "exception.escaped": "False"})
    ]
    assert (spans["fails"].status.status_code.name, spans["fails"].status.description) == ("ERROR", None)
    assert [each.getMessage() for each in caplog.records if each.name == "langwatch_otel"] == [reason]


def test_one_text_that_fails_costs_no_other():
    """A `redact` that fails at one metadata value leaves the others, and all that comes later."""

    def fragile(text):
        return text if text != "bad" else raises(text)

    with recording(settings={"redact": fragile, "capture_content": True}) as recorder:
        with langwatch.trace(name="turn", metadata={"a": "bad", "b": "good"}, labels=["bad", "good"]) as turn:
            turn.update(input=["bad"], output="good")
        found = recorder.by_name["turn"]
    assert found == {
        "langwatch.span.type": "span", "langwatch.metadata.b": "good", "langwatch.labels": ("good",),
        "output.value": "good", "output.mime_type": "text/plain",
    }  # fmt: skip


def test_a_redact_that_is_traced_itself_ends():
    """What a `redact` records while it runs has no text, so that it is never asked about itself."""

    @langwatch.span
    def traced(text):
        return mask(text)

    with recording(settings={"redact": traced, "capture_content": True}) as recorder:
        with langwatch.trace(name="turn") as turn:
            turn.update(input=SECRET)
        names = [span.name.rpartition(".")[2] for span in recorder.spans]
        assert recorder.by_name["turn"]["input.value"] == "***"
        [inner] = [dict(span.attributes) for span in recorder.spans if span.name != "turn"]
    assert names == ["traced", "turn"]
    assert inner == {"langwatch.span.type": "span"}


def test_naming_waits_for_no_redact():
    """`redact` runs outside of the lock that naming takes: while one is at work other threads name their turns."""
    named = []

    def other_turn():
        with langwatch.conversation(thread_id="other"):
            named.append(langwatch.get_conversation().thread_id)

    def slow(text):
        other = threading.Thread(target=other_turn, daemon=True)
        other.start()
        other.join(10)
        named.append(text)
        return text

    with recording(settings={"redact": slow}):
        langwatch.set_conversation(thread_id="t", metadata={"a": "late"})
        with langwatch.conversation(thread_id="t", metadata={"a": "scope"}):
            pass
    assert named == ["other", "late", "other", "scope"]


@pytest.mark.parametrize("path", ["test_redact:mask", "test_redact.mask", " test_redact:mask "])
@pytest.mark.parametrize("by", ["argument", "environment"])
def test_redact_may_be_an_import_path(monkeypatch, path, by):
    """`module:function` and `module.function` name it, as an argument and in the environment."""
    monkeypatch.setitem(sys.modules, "test_redact", sys.modules[__name__])
    if by == "environment":
        monkeypatch.setenv("OTEL_LANGWATCH_REDACT", path)
    with recording(settings={"redact": path} if by == "argument" else {}):
        assert config.active().redact is mask


async def never(text):
    return text


WRONG = [
    "",
    "nothing",
    "no.such.module",
    "no.such:thing",
    "json:nothing",
    "json.nothing",
    ":",
    "json:",
    5,
    b"json:dumps",
]


@pytest.mark.parametrize(
    "value", [*WRONG, "json", "sys:path", never], ids=lambda value: getattr(value, "__name__", repr(value))
)
def test_what_is_no_function_is_refused(value):
    """A path that cannot be imported, what cannot be called and a coroutine function raise while setting up."""
    with pytest.raises(ConfigurationError) as caught:
        LangWatchInstrumentor().instrument(redact=value)
    assert str(caught.value) == (
        "setting 'redact' takes a function from text to text, or its import path (package.module:function), "
        f"got {value!r}"
    )


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_path_that_cannot_be_imported_lets_no_text_out(monkeypatch, caplog, by_hand):
    """Under auto-instrumentation, and with processors added by hand, a wrong path means no text, logged once."""
    monkeypatch.setenv("OTEL_LANGWATCH_REDACT", "no.such:thing")
    with recording(settings={"skip_dep_check": True, "capture_content": True}) as recorder:
        if by_hand:
            config.activate(None)
        everything(recorder.tracer)
        spans = recorder.spans
    assert len(spans) == 6
    for span in spans:
        assert SECRET not in span.to_json()
    [message] = [each.getMessage() for each in caplog.records if each.name == "langwatch_otel"]
    assert message.startswith("setting 'redact' takes a function")
    assert message.endswith("got 'no.such:thing'; no text is recorded")
