"""OpenAI's own client, traced by an instrumentation of it: whose conversation each span belongs to."""

import asyncio
import json
import re
from collections import Counter

import pytest

import langwatch_otel as langwatch
from _openai import ASYNC, CALLS, MODEL, NAMES, SAID, Instrumentation, async_client, run, sync_client
from langwatch_otel.cli.model_server import ModelServer

IDS = ("session.id", "user.id", "gen_ai.conversation.id")
OURS = (*IDS, "langwatch.thread.id")


@pytest.fixture(params=NAMES)
def openai(request, said):
    """The instrumentation, on; none of our mistakes is swallowed while it is."""
    found = Instrumentation(request.param)
    with found.on():
        finished(found)
        yield found
    found.switch(True)
    found.traced.provider.force_flush()
    assert [reason for reason in said() if "failed while" in reason] == []


@pytest.fixture(scope="module")
def model():
    with ModelServer() as model:
        yield model


def finished(openai):
    openai.traced.provider.force_flush()
    spans = openai.traced.exporter.get_finished_spans()
    openai.traced.exporter.clear()
    return spans


def ids(span):
    return tuple(span.attributes.get(key) for key in IDS)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_each_span_of_a_call_has_the_ids_of_its_turn(openai, model, call):
    """Whatever is asked, and however it ends, the model's span names the thread in GenAI's word too; HTTP's do not."""
    with openai.traced.trace(name="turn", thread_id="t", user_id="u"):
        run(call, model)
    spans = finished(openai)
    calls = openai.model_calls(spans)
    named = ("t", "u", "t")
    assert [ids(span) for span in calls] == [named] * CALLS[call]
    assert [ids(span) for span in spans if span.name == "turn"] == [named]
    rest = [span for span in spans if span not in calls and span.name != "turn"]
    assert [ids(span) for span in rest] == [("t", "u", None)] * (CALLS[call] if openai.http else 0)


def described(span, names):
    """What a span is, without what is new at each call: ids of the model's answers, times."""
    attributes = {key: value for key, value in span.attributes.items() if key not in OURS}
    plain = {key: "seconds" if isinstance(value, float) else value for key, value in attributes.items()}
    text = re.sub(r"(chatcmpl|resp|msg|fc|call)-[0-9a-f]{24}", r"\1", json.dumps(plain, sort_keys=True))
    parent = names.get(span.parent.span_id) if span.parent is not None else None
    return span.name, span.kind, parent, span.status.status_code, text, tuple(event.name for event in span.events)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_the_instrumentation_makes_what_it_makes_without_us(openai, model, call):
    """The same spans, under the same parents, with the same attributes, events and status; ours come on top."""
    found = []
    for on in (False, True):
        openai.switch(on)
        with openai.traced.span("turn"):
            if on:
                langwatch.set_conversation(thread_id="t", user_id="u")
            run(call, model)
        spans = finished(openai)
        names = {span.context.span_id: span.name for span in spans}
        found.append(Counter(described(span, names) for span in spans))
        assert [ids(span)[0] for span in spans] == ["t" if on else None] * len(spans)
    assert found[1] == found[0]


def test_a_conversation_of_openais_own_stays(openai, model):
    """Where the instrumentation writes the conversation that the call names, that stays; the session is still ours."""
    with openai.traced.trace(name="turn", thread_id="t", user_id="u"), sync_client(model) as client:
        client.responses.create(model=MODEL, input="Hello", conversation="conv_1")
    [span] = openai.model_calls(finished(openai))
    assert ids(span) == ("t", "u", {"traceloop": "t", "genai": "conv_1"}[openai.library])


def whose(spans):
    """{turn: threads of the spans below it}, for turns that are named by their thread."""
    names = {span.context.span_id: span.name for span in spans}
    parents = {span.context.span_id: span.parent.span_id for span in spans if span.parent is not None}

    def turn_of(span_id):
        while span_id in names and not names[span_id].startswith("t-"):
            span_id = parents.get(span_id)
        return names.get(span_id)

    found = {}
    for span in spans:
        found.setdefault(turn_of(span.context.span_id), set()).add(span.attributes.get("session.id"))
    return found


@pytest.mark.parametrize("named", ["at once", "late"])
def test_turns_beside_each_other_never_borrow(openai, model, named):
    """Three turns gathered in one request, each with streams and responses, keep to their own threads."""

    async def turn(client, thread):
        with openai.traced.trace(name=thread, **{"thread_id": thread} if named == "at once" else {}):
            if named == "late":
                await asyncio.sleep(0)
                langwatch.set_conversation(thread_id=thread)
            for call in ASYNC:
                await call(client)

    async def request():
        async with async_client(model) as client:
            with openai.traced.span("request"):
                await asyncio.gather(*(turn(client, f"t-{number}") for number in range(3)))

    asyncio.run(request())
    spans = finished(openai)
    found = whose(spans)
    assert {turn: threads for turn, threads in found.items() if turn} == {f"t-{n}": {f"t-{n}"} for n in range(3)}
    assert len(openai.model_calls(spans)) == 3 * len(ASYNC)


def test_a_stream_belongs_to_the_turn_that_asked_for_it(openai, model):
    """Streams that are read by turns, and after their turns are over, keep the threads they were asked in."""
    with sync_client(model) as client:
        streams = []
        for thread in ("t-0", "t-1"):
            with openai.traced.trace(name=thread, thread_id=thread):
                streams.append(client.chat.completions.create(model=MODEL, messages=SAID, stream=True))
        with openai.traced.trace(name="t-2", thread_id="t-2"):
            read = [len(chunks) for chunks in zip(*streams, strict=True)]
        assert set(read) == {2}
        for stream in streams:
            assert list(stream) == []
    assert whose(finished(openai)) == {f"t-{n}": {f"t-{n}"} for n in range(3)}
