"""Decorated async generators: cancellation, time-outs, other tasks, and the event loop's own clean-up."""

import asyncio
import contextlib
import gc
from contextlib import aclosing

import anyio
import pytest
from opentelemetry.context import get_current
from opentelemetry.trace import StatusCode

import langwatch_otel as langwatch
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


async def protocol(cleaned):
    """An async generator that takes part in everything that they can."""
    got = []
    try:
        while "end" not in got:
            try:
                got.append((yield len(got)))
            except KeyError as error:
                got.append(error)
            except GeneratorExit:
                if "return" in got:
                    return
                raise
    finally:
        await asyncio.sleep(0)
        cleaned.append(list(got))


async def played(make, script):
    """What a consumer sees of an async generator, step by step."""
    cleaned, seen = [], []
    generator = make(cleaned)
    for step in script:
        try:
            seen.append(await getattr(generator, step[0])(*step[1:]))
        except BaseException as error:
            seen.append((type(error), str(error), type(error.__cause__)))
    with contextlib.suppress(RuntimeError):
        await generator.aclose()
    return seen, cleaned


ERROR = KeyError("k")
SCRIPTS = {
    "exhausted": [("asend", None), ("asend", 1), ("asend", "end"), ("asend", None)],
    "sent too early": [("asend", 1), ("asend", None)],
    "closed": [("asend", None), ("aclose",), ("asend", None)],
    "closed before it began": [("aclose",), ("asend", None)],
    "error taken": [("asend", None), ("athrow", ERROR), ("asend", "end")],
    "error raised": [("asend", None), ("athrow", ValueError("v")), ("asend", None)],
    "StopAsyncIteration thrown": [("asend", None), ("athrow", StopAsyncIteration("s"))],
    "GeneratorExit thrown": [("asend", None), ("athrow", GeneratorExit())],
    "returns when closed": [("asend", None), ("asend", "return"), ("aclose",)],
}


@every_decorator
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_consumer_sees_what_it_saw_without_us(traced, decorate, script):
    """asend, athrow, aclose and errors go through as in plain code, and the span ends."""
    decorated = decorate(protocol)
    assert asyncio.run(played(decorated, SCRIPTS[script])) == asyncio.run(played(protocol, SCRIPTS[script]))
    began = "before it began" not in script
    assert len(traced.spans()) == (began and decorate is not langwatch.conversation)


@langwatch.trace(name="generator", thread_id="g")
async def numbers(traced, pause=0.0, cleaned=None):
    """Yield what is in force inside, for ever."""
    number = 0
    try:
        while True:
            with traced.span(f"step {number}"):
                await asyncio.sleep(pause)
                found = thread()
            yield found
            number += 1
    finally:
        if cleaned is not None:
            cleaned.append(thread())
        await asyncio.sleep(0)


def ended(traced):
    """{thread} of all spans, once that of the generator has ended without an error."""
    traced.provider.force_flush()
    spans = {span.name: span for span in traced.exporter.get_finished_spans()}
    assert spans["generator"].status.status_code is StatusCode.UNSET
    return {span.attributes.get("session.id") for span in spans.values()}


def test_each_step_runs_in_the_generators_own_context(traced):
    """Two generators and their consumer take turns in one task, and each sees its own conversation."""

    async def main():
        with langwatch.trace(name="consumer", thread_id="c"):
            outside = get_current()
            async with aclosing(numbers(traced)) as one, aclosing(numbers(traced)) as two:
                for _ in range(3):
                    assert (await anext(one), thread(), await anext(two)) == ("g", "c", "g")
                    assert get_current() is outside

    asyncio.run(main())
    assert ended(traced) == {"g", "c"}


@pytest.mark.parametrize("limit", [0.005, 0.02])
@pytest.mark.parametrize("how", ["wait_for", "move_on_after", "cancel"])
def test_a_step_that_is_cut_short_ends_the_span_without_an_error(traced, how, limit):
    """Time-outs and cancel scopes reach the body, which cleans up in its conversation."""
    cleaned = []

    async def consume(generator):
        async for _ in generator:
            pass

    async def main():
        before = get_current()
        generator = numbers(traced, 0.002 if limit > 0.01 else 10, cleaned)
        if how == "move_on_after":
            with anyio.move_on_after(limit) as scope:
                await consume(generator)
            assert scope.cancelled_caught
        else:
            task = asyncio.ensure_future(consume(generator))
            if how == "wait_for":
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(task, limit)
            else:
                await asyncio.sleep(limit)
                task.cancel("enough")
                await asyncio.wait([task])
                assert task.cancelled()
        assert get_current() is before

    asyncio.run(main())
    assert (cleaned, ended(traced)) == (["g"], {"g"})


def test_one_step_may_time_out_inside_a_body_that_goes_on(traced):
    """A cancel scope inside the body works across the wrapper, and the next step has its conversation."""

    @langwatch.trace(name="generator", thread_id="g")
    async def patient():
        for _ in range(3):
            with anyio.move_on_after(0.002) as scope:
                await anyio.sleep(10)
            yield scope.cancelled_caught, thread()

    async def main():
        return [item async for item in patient()]

    assert asyncio.run(main()) == [(True, "g")] * 3
    assert ended(traced) == {"g"}


def test_steps_and_the_end_may_happen_in_other_tasks(traced):
    """Each step in a task of its own, and `aclose` in another, change nothing inside."""
    cleaned = []

    async def main():
        generator = numbers(traced, cleaned=cleaned)
        found = [await asyncio.create_task(anext(generator)) for _ in range(3)]
        await asyncio.create_task(generator.aclose())
        return found, thread()

    assert asyncio.run(main()) == (["g"] * 3, None)
    assert (cleaned, ended(traced)) == (["g"], {"g"})


def test_closing_while_a_step_runs_is_refused_as_before(traced):
    """`aclose` from another task during a step is Python's error, and the step goes on."""

    async def main():
        generator = numbers(traced, 0.005)
        step = asyncio.create_task(anext(generator))
        await asyncio.sleep(0.001)
        with pytest.raises(RuntimeError, match="asynchronous generator is already running"):
            await generator.aclose()
        assert await step == "g"
        await generator.aclose()

    asyncio.run(main())
    assert ended(traced) == {"g"}


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("how", ["thrown away", "in a cycle", "held until the loop ends"])
def test_the_event_loop_closes_what_nobody_did(traced, how, times):
    """The loop closes an abandoned generator once: its body cleans up, quietly, decorated twice or not."""
    cleaned, kept, function = [], [], numbers
    for _ in range(times - 1):
        function = langwatch.span(name="around")(function)

    async def main():
        generator = function(traced, cleaned=cleaned)
        await anext(generator)
        if how == "held until the loop ends":
            kept.append(generator)
        elif how == "in a cycle":
            kept.append([generator, kept])
            kept.clear()
        del generator
        gc.collect()
        await asyncio.sleep(0.005)

    asyncio.run(main())
    kept.clear()
    assert (cleaned, ended(traced)) == (["g"], {"g"})
