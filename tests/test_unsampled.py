"""The application behaves the same whether its spans are recorded or not."""

import asyncio
import json
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)

import langwatch_otel as langwatch
from _recorder import recording
from _servers import clean_environment


class RecordOnly(Sampler):
    """Record everything, export nothing."""

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):
        return SamplingResult(Decision.RECORD_ONLY, attributes)

    def get_description(self):
        return "record only"


def now():
    """What the application sees of the conversation, and whether the handles are there."""
    found = langwatch.get_conversation()
    seen = [found.thread_id, found.user_id, found.customer_id, list(found.labels), dict(found.metadata)]
    return [
        *seen,
        bool(found),
        type(langwatch.get_current_trace()).__name__,
        type(langwatch.get_current_span()).__name__,
    ]


@langwatch.trace(thread_id=langwatch.arg("request.thread"), capture_input=True, capture_output=True)
def handle(request):
    """Name by the arguments, then more, late."""
    before = now()
    langwatch.get_current_trace().update(metadata={"user_id": "u", "plan": "pro"}, input="i", output="o")
    langwatch.get_current_span().update(output="x", error=ValueError("v"))
    return [before, now(), tool("a")]


@langwatch.span(type="tool")
def tool(argument):
    langwatch.set_conversation(labels=["l"], customer_id="c")
    return [argument, now()]


@langwatch.trace(user_id=lambda n, **_: f"user-{n}")
def numbers(n):
    received = []
    for number in range(n):
        sent = yield [number, now()]
        received.append(sent)
    return [received, now()]


@langwatch.trace(thread_id="async")
async def chat():
    async def task(name):
        langwatch.set_conversation(thread_id=name)
        await asyncio.sleep(0)
        return now()

    return [now(), await asyncio.gather(task("one"), task("two")), now()]


@langwatch.conversation(thread_id="stream")
async def stream():
    for _ in range(2):
        await asyncio.sleep(0)
        yield now()


@langwatch.trace
def fails():
    langwatch.set_conversation(thread_id="failed")
    raise KeyError("k")


def returned(generator, *sent):
    """All that a generator yields and returns."""
    found = [next(generator)]
    try:
        found += [generator.send(value) for value in sent]
        while True:
            found.append(next(generator))
    except StopIteration as stop:
        return [*found, stop.value]


async def collected():
    return [await chat(), [each async for each in stream()]]


def scenario(tracer):
    """A request with every door of ours in it; return all that the application can see, as plain data."""
    seen = [now()]
    with tracer.start_as_current_span("request"):
        seen += [
            now(),
            handle({"thread": "t1"}),
            now(),
            returned(numbers(3), "sent"),
            asyncio.run(collected()),
        ]
        for block in (langwatch.trace(thread_id="b", user_id="u"), langwatch.conversation(thread_id="c")):
            with block as turn:
                seen += [now(), type(turn).__name__, turn.conversation.thread_id]
                turn.update(metadata={"k": [1, 2]})
                seen.append(now())
            seen.append(now())
        with langwatch.span(name="block") as span:
            span.set_attribute("k", 1)
            seen.append([type(span).__name__, now()])
        try:
            fails()
        except KeyError as error:
            seen += [repr(error), now()]
        abandoned = numbers(9)
        seen += [next(abandoned), abandoned.close(), now()]
        langwatch.set_conversation(thread_id="late", metadata={"a": 1})
        seen.append(now())
        langwatch.set_conversation(thread_id="second")
        seen += [now(), langwatch.get_current_trace().conversation.thread_id]
    return json.loads(json.dumps(seen))


def observed(caplog, sampler):
    caplog.clear()
    with recording(late=True, sampler=sampler) as recorder:
        seen = scenario(recorder.tracer)
        return seen, list(recorder.spans), [each.getMessage() for each in caplog.records]


SAMPLERS = {
    "always off": ALWAYS_OFF,
    "parent based": ParentBased(ALWAYS_OFF),
    "ratio 0": TraceIdRatioBased(0),
    "record only": RecordOnly(),
}


@pytest.mark.parametrize("mode", SAMPLERS)
def test_a_sampler_changes_nothing_for_the_application(caplog, mode):
    """Results, exceptions and conversations are those of a sampled run; nothing goes out or is logged."""
    sampled, spans, said = observed(caplog, ALWAYS_ON)
    seen, none, said_unsampled = observed(caplog, SAMPLERS[mode])
    assert len(spans) > 8
    assert (seen, none) == (sampled, [])
    assert set(said_unsampled) <= set(said)
    assert len(said_unsampled) == len(set(said_unsampled))


PROGRAM = """
import json, logging, sys
logging.basicConfig(format="%(message)s", stream=sys.stderr)
import test_unsampled
from opentelemetry import trace
import langwatch_otel as langwatch
{turn_on}
print(json.dumps(test_unsampled.scenario(trace.get_tracer("application"))))
"""
MODES = {
    "disabled": ("langwatch.setup(instrumentors=[])", {"OTEL_SDK_DISABLED": "true"}),
    "disabled, instrumented": (
        "langwatch.LangWatchInstrumentor().instrument()",
        {"OTEL_SDK_DISABLED": "true"},
    ),
    "sampler by environment": ("langwatch.setup(instrumentors=[])", {"OTEL_TRACES_SAMPLER": "always_off"}),
    "no provider": ("langwatch.LangWatchInstrumentor().instrument()", {}),
    "never turned on": ("", {}),
}


@pytest.mark.parametrize("mode", MODES)
def test_no_sdk_changes_nothing_for_the_application(caplog, mode):
    """Without an SDK that records, the application sees the same; what is logged is logged once."""
    turn_on, environment = MODES[mode]
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.replace("{turn_on}", turn_on)],
        env=clean_environment(PYTHONPATH="tests:src", OTEL_TRACES_EXPORTER="none", **environment),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    sampled, _, said = observed(caplog, ALWAYS_ON)
    assert json.loads(ran.stdout) == sampled
    extra = [line for line in ran.stderr.splitlines() if line not in said]
    assert [line for line in extra if not line.startswith("update() where no span is known")] == []
    assert len(extra) == len(set(extra))


def test_update_on_an_unsampled_request_is_silent(caplog):
    """update() and set_conversation() on a request that the sampler left out say nothing at all."""
    with (
        recording(sampler=ALWAYS_OFF) as recorder,
        recorder.tracer.start_as_current_span("request"),
        langwatch.trace() as turn,
    ):
        turn.update(thread_id="t", input="i", output="o", metadata={"a": 1}, other=1)
        langwatch.get_current_trace().update(user_id="u")
        langwatch.get_current_span().update(output="o")
        langwatch.set_conversation(customer_id="c")
        assert langwatch.get_conversation()[:3] == ("t", "u", "c")
    assert caplog.messages == []


def test_update_without_any_span_is_logged_once(caplog):
    """update() where no span is known at all says so once, and still names the context."""
    with recording():
        for _ in range(3):
            langwatch.get_current_trace().update(thread_id="t")
        assert langwatch.get_conversation().thread_id == "t"
    assert caplog.messages == ["update() where no span is known: the conversation holds in this context only"]
