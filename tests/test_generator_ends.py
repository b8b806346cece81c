"""How decorated generators end, and what is recorded of what they gave."""

import contextlib
import gc
import weakref

import pytest
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import StatusCode

import langwatch_otel as langwatch
from langwatch_otel.capture import CUT, MAX_BYTES
from langwatch_otel.tracers import choose

DECORATORS = (langwatch.trace, langwatch.span, langwatch.conversation)
every_decorator = pytest.mark.parametrize("decorate", DECORATORS, ids=lambda decorate: decorate.__name__)


@pytest.fixture
def traced(traced):
    choose(traced.provider)
    yield traced
    choose(None)


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Nothing is logged that plain code would not log, "Failed to detach context" above all."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


def thread():
    return langwatch.get_conversation().thread_id


@every_decorator
def test_a_generator_is_ended_when_it_is_broken_off_or_thrown_away(traced, decorate):
    """After `break`, or thrown away, a body cleans up in its conversation, and its span ends."""
    cleaned = []

    @decorate(**{} if decorate is langwatch.span else {"thread_id": "g"})
    def generator():
        try:
            yield from "abc"
        finally:
            cleaned.append(thread())

    for _ in generator():
        break
    held = generator()
    next(held)
    cycle = [held]
    cycle.append(cycle)
    del held, cycle
    gc.collect()
    assert cleaned == [None if decorate is langwatch.span else "g"] * 2
    traced.provider.force_flush()
    spans = traced.exporter.get_finished_spans()
    assert [s.status.status_code for s in spans] == [StatusCode.UNSET] * (decorate is not langwatch.conversation) * 2


@pytest.mark.parametrize("times", [10, MAX_BYTES, MAX_BYTES + 1, 4 * MAX_BYTES])
@pytest.mark.parametrize("end", ["exhausted", "closed", "failed"])
def test_the_text_that_was_yielded_is_the_output(traced, times, end):
    """Chunks are joined, however the generator ended, up to 16 KiB; what did not fit is marked."""

    @langwatch.trace(name="it", capture_output=True)
    def generator():
        for _ in range(times):
            yield "é"
            yield ""
            yield 7
        if end == "failed":
            raise KeyError
        yield "" if end == "exhausted" else "more"

    running = generator()
    for _ in range(3 * times):
        next(running)
    with contextlib.suppress(KeyError):
        running.close() if end == "closed" else list(running)
    output = traced.spans()["it"]["output.value"]
    whole = "é" * times
    assert output == whole if len(whole) * 2 <= MAX_BYTES else output == whole[: (MAX_BYTES - 7) // 2] + CUT
    assert len(output.encode()) <= MAX_BYTES


def test_a_return_value_is_the_output_before_the_chunks(traced):
    """What a generator returns is recorded in place of what it yielded, and `yield from` gets it."""

    @langwatch.span(name="it", capture_output=True)
    def generator():
        yield "chunk"
        return {"whole": "text"}

    def around():
        return (yield from generator())

    running = around()
    next(running)
    with pytest.raises(StopIteration) as stop:
        next(running)
    assert stop.value.value == {"whole": "text"}
    assert traced.spans()["it"]["output.value"] == '{"whole": "text"}'


def test_an_error_that_went_through_is_free_again(traced):
    """No cycle holds an error, or what its frames hold, until the garbage collector comes."""

    class HeldError(Exception):
        pass

    @langwatch.span
    def generator():
        yield

    running, error = generator(), HeldError()
    next(running)
    gc.disable()
    try:
        with contextlib.suppress(HeldError):
            running.throw(error)
        gone = weakref.ref(error)
        del error, running
        assert gone() is None
    finally:
        gc.enable()


def needy(argument):
    yield argument


def test_wrong_arguments_leave_no_span_open(traced):
    """A call that Python refuses is refused, at its first step, before there is anything to end."""
    begun = []

    class Begun(SpanProcessor):
        def on_start(self, span, parent_context=None):
            begun.append(span)

    traced.provider.add_span_processor(Begun())
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        next(langwatch.trace(needy)())
    assert begun == []
