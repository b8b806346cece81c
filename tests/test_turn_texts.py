"""The texts of a turn on its local root, for backends that show the root's: where a convention says so alone."""

import asyncio
import threading
from contextvars import copy_context

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import use_span

import langwatch_otel as langwatch
from _recorder import recording
from _servers import post
from _sourced import NATIVE
from langwatch_otel import turn_texts
from langwatch_otel.cli.app_server import AppServer
from langwatch_otel.workbench.receiver import Receiver

SETTINGS = {"conventions": "otel,openinference", "capture_content": True}
KEY = "a key that nobody else has"
OWN_SPANS = pytest.mark.skipif(not NATIVE, reason="not run: this FastAPI makes no spans of its own")
RAW, OTHER = "ana.silva@example.com", "rui.costa@example.com"


def texts(attributes):
    """What a span says of input and output, with the types."""
    return {key: value for key, value in attributes.items() if key.startswith(("input.", "output."))}


def text(**said):
    """The attributes of these texts."""
    return {
        f"{field}.{what}": value
        for field, found in said.items()
        for what, value in (("value", found), ("mime_type", "text/plain"))
    }


@pytest.fixture
def recorder():
    """Everything on, with a convention that wants the texts on the root."""
    with recording(settings=SETTINGS) as made:
        yield made


def turn(said=None, answered=None, **given):
    """A trace() with these texts, and a child that has others."""
    with langwatch.trace(name="turn", **given) as running:
        running.update(input=said, output=answered)
        with langwatch.trace(name="inner"):
            langwatch.get_current_trace().update(input="inner", output="inner")


def request(recorder, **given):
    """The span that a request begins with."""
    return recorder.tracer.start_as_current_span("request", **given)


def of_request(recorder):
    """What its span says of the turn."""
    return texts(recorder.by_name["request"])


def answering(provider, contrib):
    """An application with a plain, a threaded and a streaming endpoint, whose spans FastAPI makes or contrib does."""
    own = {"tracing": False} if contrib else {"tracer_provider": provider}
    app = FastAPI(openapi_url=None, **({"telemetry": {**own, "metrics": False}} if NATIVE else {}))
    if contrib:
        FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)

    @app.post("/async")
    @langwatch.trace(name="turn")
    async def in_async(body: dict):
        langwatch.get_current_trace().update(metadata={"thread_id": body["thread"]})
        return {"reply": "olá"}

    @app.post("/sync")
    @langwatch.trace(name="turn", thread_id=langwatch.arg("body.thread"))
    def in_sync(body: dict):
        return {"reply": "olá"}

    @langwatch.trace(name="turn")
    async def words(body):
        langwatch.get_current_trace().update(metadata={"thread_id": body["thread"]})
        yield "o"
        yield "lá"

    @app.post("/stream")
    async def in_a_stream(body: dict):
        return StreamingResponse(words(body), media_type="text/plain")

    return app


@pytest.mark.parametrize(
    ("conventions", "contrib"),
    [
        pytest.param("otel,langwatch", False, marks=OWN_SPANS),
        pytest.param("otel,openinference", False, marks=OWN_SPANS),
        ("otel,mlflow", True),
    ],
)
def test_a_request_says_on_the_wire_what_its_turn_says(conventions, contrib):
    """Whatever the kind of endpoint its server span has the texts, by either convention; and none by the default."""
    with Receiver() as receiver, recording(settings={**SETTINGS, "conventions": conventions}) as recorder:
        exporter = OTLPSpanExporter(f"{receiver.endpoint}/v1/traces")
        recorder.provider.add_span_processor(SimpleSpanProcessor(exporter))
        app = answering(recorder.provider, contrib)
        with AppServer(app) as server:
            for path in ("async", "sync", "stream"):
                assert post(server.port, f"/{path}", {"thread": path})[0] == 200
        if contrib:
            FastAPIInstrumentor.uninstrument_app(app)
        spans = receiver.spans
    for path in ("async", "sync", "stream"):
        [of_server] = [span for span in spans if span.name == f"POST /{path}"]
        [of_turn] = [span for span in spans if span.name == "turn" and span.trace_id == of_server.trace_id]
        answer = text(output="olá")
        if path != "stream":
            answer = {"output.value": '{"reply": "olá"}', "output.mime_type": "application/json"}
        question = {"input.value": f'{{"body": {{"thread": "{path}"}}}}', "input.mime_type": "application/json"}
        assert texts(of_turn.attributes) == {**question, **answer}
        assert texts(of_server.attributes) == ({} if conventions == "otel,langwatch" else {**question, **answer})
        assert of_server.attributes["session.id"] == path
        assert [key for key in of_server.attributes if key.startswith("gen_ai.")] == []


def test_the_root_says_what_the_outermost_trace_says(recorder):
    """Not what a trace() inside of it says; and whatever that `update()` said last."""
    with request(recorder), langwatch.trace(name="turn") as running:
        running.update(input="first thought", output="draft")
        turn("deeper", "deeper")
        running.update(input="question", output="answer")
    assert of_request(recorder) == text(input="question", output="answer")


def test_several_turns_of_one_request_are_from_the_first_question_to_the_last_answer(recorder):
    """As a page shows it: what was asked first, what was answered last; nobody's silence takes a text away."""
    with request(recorder):
        turn(None, "hello")
        turn("one", "first")
        turn("two", "second")
        turn()
    assert of_request(recorder) == text(input="one", output="second")


def test_what_the_application_set_stays(recorder):
    """Neither what it set before is changed, nor what it set over ours; the type stays with its text."""
    with request(recorder, attributes={"input.value": "mine"}) as span:
        turn("one", "first")
        assert texts(span.attributes) == {"input.value": "mine", **text(output="first")}
        span.set_attribute("output.value", "mine too")
        turn("two", {"a": 1})
    assert of_request(recorder) == {"input.value": "mine", **text(output="mine too")}


def test_a_root_takes_no_text_of_another_conversation(recorder):
    """In a batch, and of turns that are gathered: the root has the texts of the conversation that it is named for."""

    async def one(thread):
        with langwatch.trace(name="turn") as running:
            running.update(input=f"ask {thread}")
            await asyncio.sleep(0.01 if thread == "b" else 0)
            running.update(thread_id=thread, output=f"tell {thread}")
            await asyncio.sleep(0.02 if thread == "a" else 0)

    async def gathered():
        await asyncio.gather(one("a"), one("b"), one("c"))

    with recorder.tracer.start_as_current_span("batch"):
        turn("ask t", "tell t", thread_id="t")
        turn("ask u", "tell u", thread_id="u")
    with request(recorder):
        asyncio.run(gathered())
    found = recorder.by_name
    assert (found["batch"]["session.id"], texts(found["batch"])) == ("t", text(input="ask t", output="tell t"))
    thread = found["request"]["session.id"]
    assert of_request(recorder) == text(input=f"ask {thread}", output=f"tell {thread}")


@pytest.mark.parametrize("where", ["a trace", "a conversation between", "nowhere"])
def test_a_root_that_is_left_alone_is_told_nothing(recorder, where, caplog):
    """Across `adopt=False`, and once the root has ended."""
    span = recorder.tracer.start_span("request")
    with use_span(span):
        if where == "a trace":
            turn("said", "answered", adopt=False)
        elif where == "a conversation between":
            with langwatch.conversation(adopt=False):
                turn("said", "answered")
        else:
            with langwatch.trace(name="turn") as running:
                running.update(input="said", output="answered")
                span.end()
    span.end()
    assert (of_request(recorder), [one.message for one in caplog.records if "attribute" in one.message]) == ({}, [])


def test_where_nobody_chose_it_nobody_looks_for_it(monkeypatch):
    """By the default no turn pays for it."""
    looked = []
    monkeypatch.setattr("langwatch_otel.running.root_above", looked.append)
    for conventions in ("all", None):
        with recording(settings={**SETTINGS, "conventions": conventions}) as recorder, request(recorder):
            turn("said", "answered")
        assert len(looked) == 2  # Of the turn, and of what is inside of it.


def test_a_trace_that_is_the_root_says_it_itself(recorder):
    """Once, as without the convention; and nothing fails where nothing records."""
    turn("said", "answered")
    assert texts(recorder.by_name["turn"]) == text(input="said", output="answered")
    with recording(settings=SETTINGS, sampler=ALWAYS_OFF) as silent, request(silent):
        turn("said", "answered")
    assert silent.spans == ()


@pytest.mark.parametrize(("setting", "captures"), [(None, True), (False, True), (False, None)])
def test_where_content_is_off_the_root_has_none(setting, captures):
    """What a decorator asks for is enough, and `capture_content=False` is the last word."""
    with recording(settings={**SETTINGS, "capture_content": setting}) as recorder:
        with request(recorder):

            @langwatch.trace(name="turn", capture_input=captures, capture_output=captures)
            def answer(question):
                langwatch.get_current_span().otel.set_attribute("output.value", "by hand")
                return "answer"

            answer("why")
        found = of_request(recorder)
    if setting is False:
        assert found == {}
    else:
        as_json = {"input.value": '{"question": "why"}', "input.mime_type": "application/json"}
        assert found == {**as_json, **text(output="answer")}


def test_texts_are_cut_and_redacted_once():
    """`redact` sees each text once; what the application wrote by itself, unseen by it, stays where it was written."""
    seen = []

    def redact(given):
        seen.append(len(given))
        return given.replace("secret", "***")

    with recording(settings={**SETTINGS, "redact": redact}) as recorder:
        with request(recorder):
            turn("a secret " + "x" * 20_000, None)
            with langwatch.trace(name="by hand"):
                langwatch.get_current_span().otel.set_attribute("output.value", "a secret")
        found, of_turn = of_request(recorder), texts(recorder.by_name["turn"])
    assert (found, found["input.value"][:6], found["input.value"][-6:]) == (of_turn, "a *** ", "…[cut]")
    assert len(found["input.value"].encode()) <= 16 * 1024
    assert len([length for length in seen if length > 10_000]) == 1


def test_what_the_application_wrote_by_itself_is_cut_too(recorder):
    """Where nothing guards texts it is the turn's as well, within the same bound."""
    with request(recorder), langwatch.trace(name="turn"):
        langwatch.get_current_span().set_attribute("input.value", "é" * 20_000)
        langwatch.get_current_span().set_attribute("output.value", 5)
    found = of_request(recorder)
    assert (list(found), len(found["input.value"].encode()), found["input.value"][-6:]) == (
        ["input.value"], 16 * 1024, "…[cut]",
    )  # fmt: skip


def named_late(recorder):
    """Once all has been said."""
    with request(recorder), langwatch.trace(name="turn") as running:
        running.update(input=f"I am {RAW}.", output=f"Hello, {RAW}!")
        running.update(thread_id="t", user_id=RAW)


def named_after_the_turn(recorder):
    """By what follows in the same request."""
    with request(recorder):
        turn(f"I am {RAW}.", f"Hello, {RAW}!")
        langwatch.set_conversation(thread_id="t", user_id=RAW)


def another_user_than_the_request_s(recorder):
    """In a request that had been named for somebody else."""
    with request(recorder), langwatch.conversation(thread_id="t"):
        langwatch.set_conversation(user_id=OTHER)
        with langwatch.trace(name="turn") as running:
            running.update(input=f"I am {RAW}, of {OTHER}.", output=f"Hello, {RAW}!")
            running.update(user_id=RAW)


def a_text_of_two_users(recorder):
    """Where the turn's user writes of the request's."""
    with request(recorder), langwatch.conversation(thread_id="t", user_id=RAW):
        turn(f"I write to {RAW}.", f"Hello, {OTHER}!", user_id=OTHER)


@pytest.mark.parametrize(
    "scenario", [named_late, named_after_the_turn, another_user_than_the_request_s, a_text_of_two_users]
)
def test_the_root_s_texts_have_no_raw_id(scenario):
    """Whoever is named, and whenever: where users are hashed their ids are out of the root's texts too."""
    with recording(late=True, settings={**SETTINGS, "user_id_hash_key": KEY}) as recorder:
        scenario(recorder)
        spans = {span.name: span for span in recorder.spans}
    said = of_request(recorder)
    assert (RAW in spans["request"].to_json(), "Hello, " in said["output.value"]) == (False, True)
    assert said["output.value"] == texts(spans["turn"].attributes)["output.value"]


def test_a_user_who_is_named_meanwhile_is_hidden_too(monkeypatch):
    """By another thread, after the text was looked through and before it is written."""
    with recording(settings={**SETTINGS, "user_id_hash_key": KEY}) as recorder:
        with request(recorder) as span:

            def looked(on, found=turn_texts.guard_of):
                guard = found(on)
                if on is span:
                    langwatch.set_conversation(user_id=RAW)
                return guard

            with langwatch.conversation():
                monkeypatch.setattr(turn_texts, "guard_of", looked)
                turn(f"I am {RAW}.", None)
        said = of_request(recorder)["input.value"]
    assert (said[:5], RAW in said) == ("I am ", False)


def test_two_turns_that_end_in_two_threads_tell_one_after_the_other(recorder, monkeypatch):
    """The root has the first one's question and the last one's answer, and never half of each."""
    texts_of, others = turn_texts._texts_of, []

    def meanwhile(*args):
        if not others:
            others.append(threading.Thread(target=beside.run, args=(turn, "second", "2")))
            others[0].start()
            others[0].join(0.2)  # It waits for this one.
        return texts_of(*args)

    monkeypatch.setattr(turn_texts, "_texts_of", meanwhile)
    with request(recorder):
        beside = copy_context()
        turn("first", "1")
        others[0].join()
        turn("third", None)
    assert of_request(recorder) == text(input="first", output="2")


def test_a_full_root_loses_nothing_for_a_text():
    """Where there is no room, what the application set stays."""
    limits = SpanLimits(max_span_attributes=10)
    with recording(settings=SETTINGS, span_limits=limits) as recorder:
        given = {f"key-{number}": number for number in range(9)}
        for _ in range(3):  # The limit of a provider is learned.
            with request(recorder, attributes=given):
                turn("said", "answered")
        [*_, last] = [span for span in recorder.spans if span.name == "request"]
    assert dict(last.attributes) == given


@pytest.mark.parametrize("place", ["seals", "attributes_of"])
def test_a_fault_of_ours_costs_the_text_alone(recorder, monkeypatch, place):
    """The application's call goes on, and its spans are there."""

    def fails(*given):
        raise RuntimeError("a fault")

    monkeypatch.setattr(f"langwatch_otel.turn_texts.{place}", fails)
    with request(recorder):
        turn("said", "answered")
    assert (recorder.names, of_request(recorder)) == (["inner", "request", "turn"], {})


def test_what_starts_after_its_root_is_no_root(recorder):
    """A span whose parents have all ended is no local root: it gets no texts of the turns below it."""
    with recorder.tracer.start_as_current_span("root") as root:
        root.end()
        with recorder.tracer.start_as_current_span("late"):
            turn("said", "answered")
    found = {span.name: texts(span.attributes) for span in recorder.spans}
    assert (found["root"], found["late"], found["turn"]) == ({}, {}, text(input="said", output="answered"))
