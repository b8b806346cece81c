"""Turns of a chatbot on FastAPI and OpenAI, as they arrive over OTLP."""

from collections import Counter, defaultdict

import pytest

from _clients import model_calls
from _making import NATIVE
from _servers import post, uvicorn_process
from langwatch_otel.cli.model_server import ModelServer
from langwatch_otel.workbench.receiver import Receiver

pytestmark = pytest.mark.skipif(not NATIVE, reason="not run: this FastAPI makes no spans of its own")

FASTAPI = ("fastapi.dependencies", "fastapi.endpoint", "fastapi.serialization")
BACKGROUND = ("undecorated", "decorated", "fastapi.background_task", "fastapi.background_task")
IN_A_THREAD = ("look-up in a thread", "clean-up")

# What a turn of each shape is made of, beside its POST span and its model calls.
SHAPES = {
    "seed": (*FASTAPI, "seed"),
    "async": (*FASTAPI, "asynchronous"),
    "sync": (*FASTAPI, "synchronous"),
    "late": (*FASTAPI, "late", "look-up", *IN_A_THREAD, "retrieval"),
    "plain": (*FASTAPI, "look-up"),
    "plain-sync": (*FASTAPI, *IN_A_THREAD),
    "background": (*FASTAPI, "background", *BACKGROUND),
    "plain-background": (*FASTAPI, *BACKGROUND),
    "stream": ("fastapi.dependencies", "fastapi.endpoint", "stream"),
    "unnamed": (*FASTAPI, "unnamed", "look-up"),
}
MODEL_CALL = ("openai.chat", *model_calls())
MODEL_CALLS = {"background": 2, "plain-background": 2}
TURNS = 3

# The model's spans and those of our decorators.
GENAI = ("openai.chat", "decorated", "seed", "asynchronous", "synchronous", "late", "background", "stream")

IDS = ("session.id", "user.id", "gen_ai.conversation.id", "langwatch.thread.id")


def take_turns(mode):
    """{shape: {trace id: spans}} of `TURNS` turns of each shape."""
    with Receiver() as receiver, ModelServer() as model:
        environment = {
            "TURNS": mode,
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "none",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "200",  # Batches end in the middle of turns.
        }
        if mode == "setup":
            environment["FASTAPI_OTEL_AUTO_CONFIGURE"] = "true"  # FastAPI would send all spans once more.
        with uvicorn_process("tests._turns:app", **environment) as port:
            for number in range(TURNS):
                for shape in SHAPES:
                    turn = {"thread_id": f"{shape} {number}", "user_id": f"user {number}"}
                    assert post(port, f"/{shape}", turn)[0] == 200
            if mode != "setup":
                post(port, "/flush", {})
    traces = defaultdict(list)
    for span in receiver.spans:
        traces[span.trace_id].append(span)
    found = defaultdict(dict)
    for trace_id, spans in traces.items():
        servers = [span.name for span in spans if span.kind == "SERVER"]
        if servers or mode == "setup":  # Without us the request that flushes may lose its own server span.
            [server] = servers
            found[server.removeprefix("POST /")][trace_id] = spans
    return {shape: turns for shape, turns in found.items() if shape != "flush"}


@pytest.fixture(scope="module")
def turns():
    return take_turns("setup")


@pytest.fixture(scope="module")
def turns_without_us():
    return take_turns("plain OpenTelemetry")


def ids(span):
    return tuple(span.attributes.get(key) for key in IDS)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "unnamed"])
def test_every_span_of_a_turn_has_its_ids(turns, shape):
    """Each span has the turn's thread and user; GenAI's and ours alone say the thread in their words too."""
    names = (f"POST /{shape}", *MODEL_CALL * MODEL_CALLS.get(shape, 1), *SHAPES[shape])

    def expected(number):
        thread, user = f"{shape} {number}", f"user {number}"
        return sorted((name, thread, user, *((thread, thread) if name in GENAI else (None, None))) for name in names)

    found = [sorted((span.name, *ids(span)) for span in spans) for spans in turns[shape].values()]
    assert sorted(found, key=str) == sorted((expected(number) for number in range(TURNS)), key=str)


def test_a_turn_that_nobody_names_passes_through(turns):
    """Requests without a conversation arrive complete, and without ids."""
    names = ("POST /unnamed", *MODEL_CALL, *SHAPES["unnamed"])
    found = [sorted((span.name, *ids(span)) for span in spans) for spans in turns["unnamed"].values()]
    assert found == [sorted((name, None, None, None, None) for name in names)] * TURNS


def test_as_many_spans_arrive_as_with_plain_opentelemetry(turns, turns_without_us):
    """The same program with OpenTelemetry alone sends the same spans, under the same parents."""

    def counted(found):
        return {
            shape: Counter(pair for spans in of_shape.values() for pair in with_parents(spans))
            for shape, of_shape in found.items()
        }

    def with_parents(spans):
        names = {"": "", **{span.span_id: span.name for span in spans}}
        return [(names[span.parent_span_id], span.name) for span in spans]

    assert counted(turns) == counted(turns_without_us)
