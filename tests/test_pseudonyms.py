"""With a key for it a user's id is a pseudonym everywhere, and the id itself is in nothing that leaves the process."""

import base64
import hashlib
import hmac
import json
import logging
import pickle
import subprocess
import sys
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import langwatch_otel as langwatch
from _recorder import NEVER, recording
from _servers import clean_environment
from langwatch_otel import config, privacy
from langwatch_otel.privacy import MAX_KNOWN, Pseudonym, pseudonym, received_pseudonym
from langwatch_otel.workbench.receiver import Receiver

KEY = "a key that nobody else has"
RAW = "ana.silva@example.com"
HASHED = "YHQKJWIGD7WVOKTVSWW4HSESVE"
IDS = st.text(min_size=1, max_size=300).filter(lambda text: not text.isspace())


@pytest.fixture
def recorder():
    """A provider with the plugin on it and a key; what ended too early is named at export."""
    with recording(late=True, settings={"user_id_hash_key": KEY, "capture_content": True}) as found:
        yield found


def named_as(user_id):
    """What `get_conversation()` says in a block that names `user_id`."""
    with langwatch.conversation(user_id=user_id):
        return langwatch.get_conversation().user_id


def by_the_book(user_id):
    """The pseudonym as its definition has it."""
    made = hmac.new(KEY.encode(), user_id.encode("utf-8", "backslashreplace"), hashlib.sha256).digest()
    return base64.b32encode(made).decode()[:26]


@given(user_id=IDS)
def test_a_pseudonym_is_what_its_definition_says(user_id):
    """HMAC-SHA-256 of the whole id in UTF-8, standard base32, 26 characters."""
    found = pseudonym(user_id, KEY.encode())
    assert (found, type(found)) == (by_the_book(user_id), Pseudonym)


@given(one=IDS, other=IDS, key=st.binary(min_size=16, max_size=64))
def test_two_users_are_two_pseudonyms_under_every_key(one, other, key):
    """Different ids never meet, the same id always does, and another key makes others."""
    assert (pseudonym(one, key) == pseudonym(other, key)) == (privacy.utf8(one) == privacy.utf8(other))
    assert pseudonym(one, key) != pseudonym(one, key + b"x")


@pytest.mark.parametrize("given_as", [str, int, UUID])
def test_every_kind_of_id_is_hashed_as_its_text(recorder, given_as):
    """An int and a UUID have the pseudonym of their text; a long id is hashed whole, not as it would be cut."""
    value = {str: "x" * 5000, int: 4711, UUID: UUID(int=7)}[given_as]
    assert named_as(value) == by_the_book(str(value))


@pytest.mark.parametrize("value", ["", "  ", None, True, 1.5, b"bytes"])
def test_what_is_no_id_has_no_pseudonym(recorder, value):
    """Blank and refused ids name nobody, hashed or not."""
    assert named_as(value) is None


def test_every_user_key_of_a_span_and_of_a_log_record_is_the_pseudonym(recorder):
    """`user.id` and `user.hash` are the pseudonym, on spans, on spans that ended before, and on log records."""
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(langwatch.ConversationLogProcessor())
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    with recorder.tracer.start_as_current_span("request"):
        recorder.tracer.start_span("early").end()
        langwatch.set_conversation(thread_id="t", user_id=RAW)
        provider.get_logger("application").emit(body="hello")
    provider.shutdown()
    [record] = exporter.get_finished_logs()
    expected = {"session.id": "t", "user.id": HASHED, "user.hash": HASHED}
    assert recorder.by_name == {"request": expected, "early": expected}
    assert dict(record.log_record.attributes) == expected


def test_without_a_key_there_is_no_pseudonym():
    """`user.hash` is written where a key is set only."""
    with recording() as found:
        with langwatch.trace(name="turn", user_id=RAW):
            pass
        assert {key: value for key, value in found.by_name["turn"].items() if "user" in key} == {"user.id": RAW}


BACK = {
    "itself": lambda found: found,
    "text": lambda found: f"{found}"[:13] + f"{found}"[13:],
    "json": lambda found: json.loads(json.dumps({"user": found}))["user"],
    "pickle": lambda found: pickle.loads(pickle.dumps(found)),
}


@pytest.mark.parametrize("way", BACK)
def test_a_pseudonym_that_comes_back_is_not_hashed_again(recorder, way):
    """What get_conversation() said may be given back, in the same scope or a nested one, as text or JSON too."""
    with recorder.tracer.start_as_current_span("request"):
        langwatch.set_conversation(thread_id="t", user_id=RAW)
        back = BACK[way](langwatch.get_conversation().user_id)
        langwatch.set_conversation(user_id=back)
        langwatch.get_current_trace().update(metadata=langwatch.get_current_trace().metadata)
        seen = [langwatch.get_conversation().user_id, named_as(back)]
    assert seen == [HASHED, HASHED]
    assert recorder.by_name == {"request": {"session.id": "t", "user.id": HASHED, "user.hash": HASHED}}


def test_the_type_tells_when_the_memory_has_forgotten(recorder):
    """The pseudonym itself is known for good; its plain text for the next 10,000 users, whose number is bounded."""
    found = named_as(RAW)
    for number in range(MAX_KNOWN):
        pseudonym(f"user {number}", KEY.encode())
    assert len(privacy._known) == MAX_KNOWN
    assert (named_as(found), named_as(str(found)) == HASHED) == (HASHED, False)
    assert RAW not in privacy._known


def test_a_pseudonym_of_another_service_is_taken_by_its_form():
    """A border hands in what another service with the same key made; nothing else has that form."""
    assert [type(received_pseudonym(text)) for text in (HASHED, HASHED.lower(), HASHED[1:], RAW, "")] == [
        Pseudonym, *[type(None)] * 4,
    ]  # fmt: skip
    with recording(settings={"user_id_hash_key": KEY}):
        assert named_as(received_pseudonym(HASHED)) == HASHED


def test_another_process_makes_the_same():
    """The environment's key makes the same pseudonym in another process as an argument here."""
    program = (
        "import langwatch_otel as langwatch\n"
        f"with langwatch.conversation(user_id={RAW!r}): print(langwatch.get_conversation().user_id)"
    )
    environment = clean_environment(PYTHONPATH="src", OTEL_LANGWATCH_USER_ID_HASH_KEY=KEY)
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert (run.stdout.strip(), run.stderr) == (HASHED, "")


def everything(tracer):
    """Name the user in every way, before and after texts were captured, and let errors hold the id."""

    @langwatch.trace(user_id=langwatch.arg("request.user_id"))
    def by_path(request):
        langwatch.get_current_span().update(contexts=[RAW, {"owner": RAW}], params={"user": RAW}, asked_by=RAW)
        return {"answered": [RAW, {RAW: 1}]}

    @langwatch.trace(user_id=lambda who, **_: who)
    def by_callable(who):
        return json.dumps({"user": who, "calls": json.dumps({"to": who})})

    @langwatch.trace
    def late(body):
        with langwatch.span(name="inner") as inner:
            inner.update(input=RAW, output=body)
            langwatch.get_current_trace().update(metadata={"user_id": RAW, "account": RAW, "all": [RAW, "x"]})
        return body["user_id"]

    @langwatch.span
    def authenticate(token, user_id):
        return {"user": user_id}

    @langwatch.trace(user_id=RAW)
    def fails():
        raise KeyError(RAW)

    @langwatch.trace(user_id=RAW, labels=[RAW, "beta"])
    def stream():
        yield RAW

    by_path({"user_id": RAW, "message": "hello"})
    by_callable(RAW)
    late({"user_id": RAW, "nested": {"ids": [RAW]}})
    list(stream())
    with pytest.raises(KeyError):
        fails()
    with tracer.start_as_current_span("request"):
        authenticate("secret", RAW)
        langwatch.set_conversation(thread_id="t", user_id=RAW, metadata={"owner": {"id": RAW}})
        assert RAW not in repr((langwatch.get_conversation()[:4], langwatch.get_current_trace().conversation.user_id))


def test_the_raw_id_leaves_the_process_nowhere(caplog):
    """Neither the OTLP bytes of everything that can hold it nor any log has the raw id; the pseudonym is on all."""
    caplog.set_level(logging.DEBUG)
    with Receiver() as receiver, recording(late=True, settings={"user_id_hash_key": KEY, "capture_content": True}) as r:
        exporter = langwatch.ConversationSpanExporter(OTLPSpanExporter(f"{receiver.endpoint}/v1/traces"))
        r.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=NEVER))
        everything(r.tracer)
        found = {span.name: span for span in r.spans}
        sent = b"".join(receiver.requests)
        assert len(receiver.spans) == len(found) == 8
    assert sent.count(HASHED.encode()) > 2 * len(found)
    assert RAW.encode() not in sent
    for span in found.values():
        assert (span.attributes["user.id"], span.attributes["user.hash"]) == (HASHED, HASHED)
        assert RAW not in span.to_json()
    assert RAW not in caplog.text + repr([record.__dict__ for record in caplog.records])
    values = {
        name.rpartition(".")[2]: (span.attributes.get("input.value"), span.attributes.get("output.value"))
        for name, span in found.items()
    }
    assert values == {
        "by_path": (
            f'{{"request": {{"user_id": "{HASHED}", "message": "hello"}}}}',
            f'{{"answered": ["{HASHED}", {{"{HASHED}": 1}}]}}',
        ),
        "by_callable": (
            f'{{"who": "{HASHED}"}}',
            json.dumps({"user": HASHED, "calls": json.dumps({"to": HASHED})}),
        ),
        "late": (f'{{"body": {{"user_id": "{HASHED}", "nested": {{"ids": ["{HASHED}"]}}}}}}', HASHED),
        "inner": (HASHED, f'{{"user_id": "{HASHED}", "nested": {{"ids": ["{HASHED}"]}}}}'),
        "stream": (None, HASHED),
        "fails": (None, None),
        "authenticate": (f'{{"token": "secret", "user_id": "{HASHED}"}}', f'{{"user": "{HASHED}"}}'),
        "request": (None, None),
    }


def test_what_is_open_when_the_user_is_named_needs_no_exporter():
    """Naming takes the id out of what open spans recorded: of the scope, and of those above that get the name."""
    with recording(settings={"user_id_hash_key": KEY, "capture_content": True}) as recorder:

        @langwatch.trace(name="above")
        def above(user):
            with langwatch.trace(name="turn") as turn:
                turn.update(input={"user": user}, asked_by=user)
                langwatch.set_conversation(thread_id="t", user_id=user)

        above(RAW)
        found = recorder.by_name
    assert [found[name]["input.value"] for name in ("above", "turn")] == [f'{{"user": "{HASHED}"}}'] * 2
    assert found["turn"]["asked_by"] == HASHED


class Body:
    """A model that names the user while it is read, as another thread may."""

    model_fields: ClassVar = {"user_id": None, "session": None}
    user_id = RAW

    @property
    def session(self):
        langwatch.set_conversation(user_id=RAW)
        return "open"


def test_a_user_who_is_named_while_a_text_is_captured_is_taken_out_of_it():
    """A name that comes between the reading of a value and its writing is seen after the writing."""
    with recording(settings={"user_id_hash_key": KEY}) as recorder:
        with langwatch.trace(name="turn") as turn:
            turn.update(input=Body())
        assert recorder.by_name["turn"]["input.value"] == f'{{"user_id": "{HASHED}", "session": "open"}}'


def test_what_others_wrote_stays(recorder):
    """Only texts that we wrote are changed when the user is named; a span's creator keeps what it set."""
    with recorder.tracer.start_as_current_span("request", attributes={"input.value": RAW, "mine": RAW}):
        langwatch.get_current_trace().update(output=RAW)
        langwatch.set_conversation(user_id=RAW)
    assert recorder.by_name["request"] == {
        "input.value": RAW, "mine": RAW, "output.value": HASHED, "output.mime_type": "text/plain",
        "user.id": HASHED, "user.hash": HASHED,
    }  # fmt: skip


@pytest.mark.parametrize("number", [4711, "4711"])
def test_a_number_that_is_the_id_is_replaced_too(recorder, number):
    """Ids that are numbers are replaced where they stand as numbers, and longer numbers are left alone."""
    with langwatch.trace(name="turn", user_id=number) as turn:
        turn.update(input={"user": 4711, "limit": 47110, "ratio": 4711.5}, metadata={"a": 4711, "b": (4711, 1)})
    hashed, found = by_the_book("4711"), recorder.by_name["turn"]
    assert json.loads(found["input.value"]) == {"user": hashed, "limit": 47110, "ratio": 4711.5}
    assert (found["langwatch.metadata.a"], json.loads(found["langwatch.metadata.b"])) == (hashed, [hashed, 1])


SECRETS = ["short", "x" * 15, b"x" * 15, 12345678901234567890, "\ud800" * 20, ["a"] * 20, object()]


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
def test_a_key_that_is_not_one_is_refused_and_not_shown(monkeypatch, secret):
    """A key is 16 bytes or more; the error names the setting and what it takes, never the value."""
    with pytest.raises(langwatch.ConfigurationError) as caught:
        langwatch.LangWatchInstrumentor().instrument(user_id_hash_key=secret)
    assert str(caught.value) == (
        "setting 'user_id_hash_key' takes a secret of 16 bytes or more, got a value that is not shown"
    )
    assert str(secret) not in repr(vars(caught.value)) + repr(caught.value.args)


@pytest.mark.parametrize("key", ["k" * 16, b"k" * 16, bytearray(b"k" * 16), "é" * 8])
def test_a_key_is_text_or_bytes(key):
    """A str is taken as UTF-8; nothing that prints the settings prints it."""
    with recording(settings={"user_id_hash_key": key}):
        found = config.active()
        taken = key.encode() if isinstance(key, str) else bytes(key)
        assert found.user_id_hash_key == taken
        assert "key" not in repr(found)
        assert str(taken)[2:-1] not in repr(found) + str(found)


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_wrong_key_under_auto_instrumentation_names_no_user(monkeypatch, caplog, by_hand):
    """Where a wrong key may not stop the application no user is named at all, logged once, without the value."""
    monkeypatch.setenv("OTEL_LANGWATCH_USER_ID_HASH_KEY", "too short")
    with recording(settings={"skip_dep_check": True}) as found:
        if by_hand:
            config.activate(None)
        with langwatch.trace(name="turn", thread_id="t", user_id=RAW):
            pass
        keys = {key: value for key, value in found.by_name["turn"].items() if "user" in key or key == "session.id"}
    assert keys == {"session.id": "t"}
    [message] = [record.getMessage() for record in caplog.records if record.name == "langwatch_otel"]
    assert (message.endswith("; no user id is recorded"), "too short" in message) == (True, False)


def test_a_texts_blanks_and_quotes_hide_no_id(recorder):
    """The id is a whole value with blanks around it, and as JSON of one text; the names in `update()` are looked at."""
    with langwatch.trace(name="turn", thread_id="t", user_id=RAW) as turn:
        turn.update(input=f" {RAW}\n", output=json.dumps(RAW), model=RAW, kind=[json.dumps([RAW])])
    found = recorder.by_name["turn"]
    assert [found[key] for key in ("input.value", "output.value", "gen_ai.request.model", "kind")] == [
        f" {HASHED}\n", f'"{HASHED}"', HASHED, (f'["{HASHED}"]',),
    ]  # fmt: skip


@pytest.mark.parametrize("user", [RAW, "auth0|4711", "urn:user:7/8"])
def test_an_id_in_the_path_of_an_error_is_a_word(recorder, user):
    """In a message of an error the id is found between the slashes of a path and in a query, whatever is in it."""
    with pytest.raises(ValueError), langwatch.trace(name="turn", user_id=user):
        raise ValueError(f"GET http://h/users/{RAW}/items?u={RAW}&n=1, of {user}.")
    [span] = recorder.spans
    shown = RAW if user != RAW else HASHED
    hashed = by_the_book(user)
    message = f"GET http://h/users/{shown}/items?u={shown}&n=1, of {hashed}."
    assert span.events[0].attributes["exception.message"] == message
    assert span.status.description == f"ValueError: {message}"


def test_a_key_of_metadata_that_is_the_id_is_replaced(recorder):
    """A metadata key that is the whole id is the pseudonym in the attribute's name."""
    with langwatch.trace(name="turn", user_id=RAW, metadata={RAW: 1, "plan": "pro"}):
        pass
    found = {key: value for key, value in recorder.by_name["turn"].items() if "metadata" in key}
    assert found == {f"langwatch.metadata.{HASHED}": 1, "langwatch.metadata.plan": "pro"}


def test_metadata_and_labels_that_came_before_the_user_are_replaced():
    """On open spans, on those above that get the name, and at export on those that had ended."""
    settings = {"user_id_hash_key": KEY, "conventions": "otel,langwatch,langsmith"}
    fields = {"metadata": {"owner": RAW}, "labels": [RAW, "beta"]}
    with recording(late=True, settings=settings) as recorder:
        with langwatch.trace(name="turn", **fields):
            recorder.tracer.start_span("ended").end()
            langwatch.set_conversation(user_id=RAW)
        with langwatch.trace(name="above", **fields), langwatch.trace(name="below", user_id=RAW):
            pass
        spans = {span.name: span for span in recorder.spans}
    for name in ("turn", "ended", "below"):
        assert {key: spans[name].attributes[key] for key in ("langwatch.metadata.owner", "langwatch.labels")} == {
            "langwatch.metadata.owner": HASHED, "langwatch.labels": (HASHED, "beta"),
        }  # fmt: skip
    assert spans["ended"].attributes["langsmith.span.tags"] == f"{HASHED},beta"
    assert spans["above"].attributes["langwatch.labels"] == (HASHED, "beta")
    assert [name for name in ("turn", "ended", "below") if RAW in spans[name].to_json()] == []
