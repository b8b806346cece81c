"""Where users are hashed the raw id is looked for in what was written before it was known, and inside of texts."""

import copy
import json
import pickle

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import StatusCode

import langwatch_otel as langwatch
from _recorder import NEVER, recording
from langwatch_otel.privacy import Pseudonym, pseudonym
from langwatch_otel.workbench.receiver import Receiver

KEY = "a key that nobody else has"
RAW = "ana.silva@example.com"
HASHED = "YHQKJWIGD7WVOKTVSWW4HSESVE"
SETTINGS = {"user_id_hash_key": KEY, "capture_content": True}


def fails(text):
    """A call of its own span that fails."""
    with pytest.raises(ValueError), langwatch.trace(name="failed"):
        raise ValueError(text)


def an_error_of_a_span_that_had_ended(tracer):
    """Named by the turn around it, afterwards."""
    with langwatch.trace(name="turn"):
        fails(f"no user:{RAW}!")
        langwatch.set_conversation(thread_id="t", user_id=RAW)


def an_error_of_a_span_that_is_open(tracer):
    """Recorded, and described, before the user is known."""
    with langwatch.trace(name="failed"):
        span = langwatch.get_current_span()
        span.record_exception(ValueError(f"no user:{RAW}!"))
        span.set_status(StatusCode.ERROR, f"ValueError: no user:{RAW}!")
        langwatch.set_conversation(thread_id="t", user_id=RAW)


def an_error_of_the_turn_before(tracer):
    """In the same request, whose second turn names the user."""
    with tracer.start_as_current_span("request"):
        fails(f"no user:{RAW}!")
        with langwatch.trace(name="turn", thread_id="t", user_id=RAW):
            pass


ERRORS = [an_error_of_a_span_that_had_ended, an_error_of_a_span_that_is_open, an_error_of_the_turn_before]


def texts(tracer):
    """The id inside of longer texts, in JSON, in JSON in JSON, in keys, and where JSON was cut."""

    @langwatch.trace(name="texts", thread_id="t", user_id=langwatch.arg("user"))
    def known(user, message):
        langwatch.get_current_span().update(
            contexts=[f"by {RAW}."], asked=f"<{RAW}>", model=f"ft:{RAW}", log=f"[INFO] {RAW} came"
        )
        return {f"of {RAW}": [f"hello {RAW}!", json.dumps({"x": f"user:{RAW}"})]}

    @langwatch.trace(name="late")
    def late(message):
        langwatch.get_current_span().update(cut={"a": f"é {RAW} " + "x" * 40_000})
        langwatch.set_conversation(thread_id="t", user_id=RAW)
        yield "I am "
        yield RAW

    known(RAW, f"I am {RAW}, hi")
    list(late(f'"I am {RAW}"\n'))


def scopes(tracer):
    """Metadata, labels and texts of the scopes above, which have no user of their own."""

    @langwatch.trace(name="outer", thread_id="t", metadata={"owner": RAW, "of": {"deep": [f"x {RAW}"]}, "n": 1})
    def outer(body):
        tracer.start_span("early").end()
        with langwatch.trace(name="inner", user_id=RAW):
            pass
        tracer.start_span("later").end()
        with langwatch.trace(name="beside", labels=[f"of {RAW}"]) as turn:
            turn.update(input=body)
        assert langwatch.get_conversation().metadata["n"] == 1
        return body

    outer({"user": RAW})


@pytest.fixture(scope="module")
def sent():
    """What each scenario sent over OTLP: the bytes, and its spans."""
    found = {}
    with Receiver() as receiver:
        for scenario in (*ERRORS, texts, scopes):
            before = len(receiver.requests)
            with recording(late=True, settings=SETTINGS) as recorder:
                exporter = langwatch.ConversationSpanExporter(OTLPSpanExporter(f"{receiver.endpoint}/v1/traces"))
                recorder.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=NEVER))
                scenario(recorder.tracer)
                spans = {span.name: span for span in recorder.spans}
            found[scenario] = b"".join(receiver.requests[before:]), spans
    return found


@pytest.mark.parametrize("scenario", ERRORS, ids=lambda found: found.__name__)
def test_errors_that_came_before_the_user_are_without_the_id(sent, scenario):
    """Message, stack trace and description of what we recorded, on open spans and at export on those that had ended."""
    data, spans = sent[scenario]
    [event] = spans["failed"].events
    stack = event.attributes.get("exception.stacktrace")
    assert (event.attributes["exception.message"], spans["failed"].status.description) == (
        f"no user:{HASHED}!", f"ValueError: no user:{HASHED}!",
    )  # fmt: skip
    assert (event.name, event.attributes["exception.type"], stack.endswith(f"ValueError: no user:{HASHED}!\n")) == (
        "exception", "ValueError", True,
    )  # fmt: skip
    assert (RAW.encode() in data, data.count(HASHED.encode()) > 3) == (False, True)


def test_the_id_inside_of_texts_is_replaced(sent):
    """In arguments, results and `update()`, whether the user is named before or after; JSON stays JSON."""
    data, spans = sent[texts]
    found, late = spans["texts"].attributes, spans["late"].attributes
    assert RAW.encode() not in data
    assert json.loads(found["input.value"]) == {"user": HASHED, "message": f"I am {HASHED}, hi"}
    assert json.loads(found["output.value"]) == {
        f"of {HASHED}": [f"hello {HASHED}!", json.dumps({"x": f"user:{HASHED}"})]
    }
    assert [found[key] for key in ("langwatch.rag_contexts", "asked", "gen_ai.request.model", "log")] == [
        f'[{{"content": "by {HASHED}."}}]', f"<{HASHED}>", f"ft:{HASHED}", f"[INFO] {HASHED} came",
    ]  # fmt: skip
    assert json.loads(late["input.value"]) == {"message": f'"I am {HASHED}"\n'}
    assert late["output.value"] == f"I am {HASHED}"
    assert late["cut"].startswith(f'{{"a": "é {HASHED} xx')


def test_what_scopes_above_wrote_is_without_the_id(sent):
    """A user who is named below is taken out of the texts, the metadata and the labels above, and beside, too."""
    data, spans = sent[scopes]
    assert [name for name, span in spans.items() if RAW in span.to_json()] == []
    assert RAW.encode() not in data
    owner = {"langwatch.metadata.owner": HASHED, "langwatch.metadata.of": f'{{"deep": ["x {HASHED}"]}}'}
    for name in ("outer", "early", "later", "inner", "beside"):
        assert {key: spans[name].attributes[key] for key in owner} == owner
    body = {"input.value": f'{{"body": {{"user": "{HASHED}"}}}}', "output.value": f'{{"user": "{HASHED}"}}'}
    assert {key: spans["outer"].attributes[key] for key in body} == body
    assert spans["beside"].attributes["input.value"] == f'{{"user": "{HASHED}"}}'
    assert spans["beside"].attributes["langwatch.labels"] == (f"of {HASHED}",)
    assert ["user.id" in spans[name].attributes for name in ("inner", "outer", "later")] == [True, False, False]


def test_what_starts_later_in_a_scope_above_needs_no_exporter():
    """The metadata that a scope above goes on to write is without the id of the user who was named below it."""
    with recording(settings=SETTINGS) as recorder:
        with langwatch.trace(name="outer", metadata={"owner": RAW, "plan": {"a": 1}}, labels=[RAW, "beta"]):
            with langwatch.conversation(thread_id="t", user_id=RAW, adopt=False):
                pass
            recorder.tracer.start_span("later").end()
            assert langwatch.get_conversation()[3:] == ((HASHED, "beta"), {"owner": HASHED, "plan": {"a": 1}})
        found = recorder.by_name
    expected = {
        "langwatch.labels": (HASHED, "beta"), "langwatch.metadata.owner": HASHED, "langwatch.metadata.plan": '{"a": 1}',
    }  # fmt: skip
    assert found == {"outer": {"langwatch.span.type": "span", **expected}, "later": expected}


STAYS = {
    "another word": ("anab", "banana anabel _anab_", "banana anabel _anab_"),
    "short": ("u1", "I am u1", "I am u1"),
    "a number in JSON": ("4711", '{"a": 47110, "b": 4711.5, "c": "4711!"}', '{{"a": 47110, "b": 4711.5, "c": "{}!"}}'),
    "a word of JSON": ("true", '{"a": true, "b": "it is true"}', '{{"a": true, "b": "it is {}"}}'),
    "other letters": ("zoé/1", '["zo\\u00e9/1", "by zo\\u00e9/1"]', '["{0}", "by {0}"]'),
    "quoted": ('a"b"c', json.dumps({"m": 'I am a"b"c.'}), '{{"m": "I am {}."}}'),
}  # fmt: skip


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("what", STAYS)
def test_what_is_no_id_stays(what, late):
    """Longer words, ids of fewer than four characters inside of texts, and what would make JSON none."""
    user, text, expected = STAYS[what]
    with recording(settings=SETTINGS) as recorder:
        with langwatch.trace(name="turn") as turn:
            for step in (True, False) if late else (False, True):
                if step:
                    turn.update(input=text)
                else:
                    turn.update(thread_id="t", user_id=user)
        found = recorder.by_name["turn"]
    assert found["input.value"] == (expected.format(found["user.id"]) if expected != text else text)


def test_the_id_is_with_the_object_alone_that_was_made_of_it():
    """Neither a copy, nor its text, nor what another process gets, has the raw id; nor does its repr."""
    made = pseudonym(RAW, KEY.encode())
    assert (made, made.behind, repr(made)) == (HASHED, RAW, repr(HASHED))
    for other in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made), pseudonym(HASHED, b"")):
        assert (type(other), other, other.behind) == (Pseudonym, HASHED, None)
    assert [RAW.encode() in pickle.dumps(made, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)] == [
        False
    ] * (pickle.HIGHEST_PROTOCOL + 1)


def test_what_is_named_by_a_pseudonym_has_whole_values_replaced():
    """Where the raw id was never given here, as behind a border, whole values are still told by their hash."""
    with recording(settings=SETTINGS) as recorder:
        known = pickle.loads(pickle.dumps(pseudonym(RAW, KEY.encode())))
        with langwatch.trace(name="turn", user_id=known) as turn:
            turn.update(input={"user": RAW, "message": f"I am {RAW}"})
        assert recorder.by_name["turn"]["input.value"] == f'{{"user": "{HASHED}", "message": "I am {RAW}"}}'
