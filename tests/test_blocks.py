"""trace(), span() and conversation() as context managers, and what becomes of errors."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from opentelemetry import trace as otel
from opentelemetry.context import get_current
from opentelemetry.trace import StatusCode
from starlette.exceptions import HTTPException

import langwatch_otel as langwatch
from langwatch_otel.tracers import choose

DECORATORS = (langwatch.trace, langwatch.span)
every_span = pytest.mark.parametrize("make", DECORATORS, ids=lambda make: make.__name__)


@pytest.fixture
def traced(traced):
    choose(traced.provider)
    yield traced
    choose(None)


def thread():
    return langwatch.get_conversation().thread_id


def finished(traced):
    traced.provider.force_flush()
    return traced.exporter.get_finished_spans()


def test_a_block_is_named_by_its_word_or_its_type(traced):
    """A block without a name is called what it is."""
    with langwatch.trace(), langwatch.span(), langwatch.span(type="tool"), langwatch.conversation() as handle:
        assert isinstance(handle, langwatch.Trace)
    assert set(traced.spans()) == {"trace", "span", "tool"}


@pytest.mark.parametrize("kind", ["trace", "span", "conversation"])
def test_one_object_is_entered_again_and_again(traced, kind):
    """A block is re-entrant: each entry is a scope of its own, left in the reverse order."""
    block = getattr(langwatch, kind)(**{"metadata": {"key": 1}} if kind != "span" else {})
    before = get_current()
    with langwatch.trace(thread_id="t"), block as first, block as second:
        assert (first is second, thread()) == (False, "t")
        with block:
            pass
    assert (get_current(), thread()) == (before, None)
    assert len(finished(traced)) == (1 if kind == "conversation" else 4)


def test_one_object_is_shared_by_threads(traced):
    """Threads that enter and leave one object at different times each leave their own block."""
    shared, ready, order = langwatch.trace(name="shared"), threading.Barrier(8), threading.Lock()

    def work(number):
        for turn in range(50):
            ready.wait()
            with shared as handle, shared:
                handle.update(thread_id=f"{number}-{turn}")
                ready.wait()
                assert thread() == f"{number}-{turn}"
            with order:
                assert (thread(), otel.get_current_span()) == (None, otel.INVALID_SPAN)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    named = [span.attributes["session.id"] for span in finished(traced)]
    assert sorted(named) == sorted(2 * [f"{number}-{turn}" for number in range(8) for turn in range(50)])


def test_one_object_is_shared_by_tasks(traced):
    """Tasks that overlap in one object, some of them cancelled, each leave their own block."""
    shared = langwatch.conversation()

    async def work(number):
        async with shared as outer:
            outer.update(thread_id=f"t{number}")
            await asyncio.sleep(number % 5 / 1000)
            with shared, traced.span(f"span {number}"):
                await asyncio.sleep(number % 3 / 1000)
        assert thread() is None

    async def main():
        tasks = [asyncio.create_task(work(number)) for number in range(50)]
        await asyncio.sleep(0.001)
        for task in tasks[::7]:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ends} <= {type(None), asyncio.CancelledError}

    asyncio.run(main())
    spans = traced.threads()
    assert spans == {name: name.replace("span ", "t") for name in spans}
    assert len(spans) >= 42


def test_a_block_may_be_left_where_it_was_not_entered(traced, caplog):
    """A block left by another thread ends its span, quietly, and that thread's context stays as it was."""
    block = langwatch.trace(name="moved", thread_id="t")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(block.__enter__).result()
    block.__exit__(None, None, None)
    assert (traced.threads(), thread()) == ({"moved": "t"}, None)
    assert [record.getMessage() for record in caplog.records] == []


class BrokenError(RuntimeError):
    pass


@every_span
@pytest.mark.parametrize("error", [BrokenError("why"), HTTPException(500)])
@pytest.mark.parametrize("how", ["function", "coroutine", "generator", "async generator", "block"])
def test_an_error_is_recorded_once_and_raised_as_it_was(traced, make, error, how):
    """The same object is raised, and each span that it passed has it once, with status ERROR."""

    def function():
        raise error

    async def coroutine():
        raise error

    def generator():
        yield 1
        raise error

    async def async_generator():
        yield 1
        raise error

    def block():
        with make(name="inner"):
            raise error

    async def listed():
        return [item async for item in make(name="inner")(async_generator)()]

    runs = {
        "function": make(name="inner")(function),
        "coroutine": lambda: asyncio.run(make(name="inner")(coroutine)()),
        "generator": lambda: list(make(name="inner")(generator)()),
        "async generator": lambda: asyncio.run(listed()),
        "block": block,
    }
    with pytest.raises(type(error)) as caught:
        make(name="outer")(runs[how])()
    assert caught.value is error
    said = [(s.name, s.status.status_code, [e.name for e in s.events]) for s in finished(traced)]
    assert said == [(name, StatusCode.ERROR, ["exception"]) for name in ("inner", "outer")]
    error.__traceback__ = None


@every_span
@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), GeneratorExit(), KeyboardInterrupt(), HTTPException(404), HTTPException(499, "gone")],
    ids=repr,
)
def test_how_a_call_ends_when_nothing_is_wrong_is_no_error(traced, make, error):
    """Cancellation, a closed generator and HTTP answers below 500 are raised on, and not recorded."""
    with pytest.raises(type(error)), make(name="it"):
        raise error
    ((status, events),) = [(span.status.status_code, span.events) for span in finished(traced)]
    assert (status, events) == (StatusCode.UNSET, ())


def test_what_an_upstream_answered_is_an_error(traced):
    """A client library's refusal, whatever its status code, is this program's failure."""

    class RateLimitError(Exception):
        status_code = 429

    with pytest.raises(RateLimitError), langwatch.span():
        raise RateLimitError
    assert [span.status.status_code for span in finished(traced)] == [StatusCode.ERROR]


@pytest.mark.parametrize("on", [True, False])
def test_span_may_leave_exceptions_alone(traced, on):
    """`record_exception` and `set_status_on_exception` each turn their half off."""
    with pytest.raises(BrokenError), langwatch.span(record_exception=on, set_status_on_exception=not on):
        raise BrokenError("why")
    (span,) = finished(traced)
    assert ([event.name for event in span.events], span.status.status_code) == (
        (["exception"], StatusCode.UNSET) if on else ([], StatusCode.ERROR)
    )


def test_a_coroutine_that_is_never_finished_says_nothing(traced, caplog):
    """The garbage collector closes a coroutine in another context: its span ends, and nothing is logged."""

    class Suspended:
        def __await__(self):
            yield

    @langwatch.trace(name="abandoned", thread_id="t")
    async def wait():
        await Suspended()

    coroutine = wait()
    copy_context().run(coroutine.send, None)
    del coroutine
    gc.collect()
    assert (traced.threads(), thread()) == ({"abandoned": "t"}, None)
    assert [record.getMessage() for record in caplog.records] == []


def test_a_block_is_its_own_handle_inside(traced):
    """`t = trace()`, `with t:`, `t.update(...)` does what the handle that the block gives does, in threads too."""
    turn, part = langwatch.trace(name="turn"), langwatch.span(name="part")
    with turn:
        turn.update(metadata={"thread_id": "t"})
        with part:
            part.set_attribute("k", 1)
            turn.update(output="o")
            part.end()
        with ThreadPoolExecutor(1) as pool:
            seen = pool.submit(copy_context().run, lambda: turn.conversation.thread_id).result()
    found = traced.spans()
    assert (seen, found["part"]["k"], found["part"]["session.id"]) == ("t", 1, "t")
    assert (found["turn"]["session.id"], found["turn"]["output.value"]) == ("t", "o")


def test_a_block_is_no_handle_outside(traced, said):
    """Before, after and for a stranger it does nothing, which is logged once; a name that no handle has is an error."""
    turn = langwatch.trace(name="turn")
    for _ in range(2):
        turn.update(thread_id="nobody's")
    with turn:
        assert thread() is None
    turn.update(thread_id="nobody's")
    with pytest.raises(AttributeError, match="OpenAI instrumentor"):
        turn.autotrack_openai_calls()
    assert (thread(), traced.threads()) == (None, {"turn": None})
    assert said() == ["trace() is a handle inside its own `with` block only: outside it does nothing"]


def test_a_shared_block_is_each_tasks_own_handle(traced):
    """Tasks that share one object each reach their own block by it, as do those that they start; a stranger none."""
    turn = langwatch.trace(name="turn")

    async def one(name):
        with turn:
            await asyncio.sleep(0)
            turn.update(thread_id=name)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return turn.conversation.thread_id, await asyncio.to_thread(lambda: turn.conversation.thread_id)

    async def stranger():
        await asyncio.sleep(0)
        turn.update(thread_id="a stranger's")
        return turn.conversation.thread_id, None

    async def run():
        return await asyncio.gather(one("a"), stranger(), one("b"))

    assert asyncio.run(run()) == [("a", "a"), (None, None), ("b", "b")]
    assert sorted(span.attributes["session.id"] for span in finished(traced)) == ["a", "b"]


def test_what_a_block_with_a_provider_holds_is_that_providers(traced, make_traced):
    """Spans inside a block that was given a tracer provider are made by it, in tasks and threads too."""
    other = make_traced()

    async def run():
        with other.trace(name="turn", thread_id="t"), langwatch.span(name="inside"):
            await asyncio.to_thread(langwatch.span(name="in a thread")(thread))
            with langwatch.trace(name="of its own", tracer_provider=traced.provider), langwatch.span(name="in that"):
                pass

    asyncio.run(run())
    with langwatch.span(name="outside"):
        pass
    assert other.threads() == dict.fromkeys(("turn", "inside", "in a thread"), "t")
    assert traced.threads() == {"of its own": "t", "in that": "t", "outside": None}


def test_tasks_of_trio_are_told_apart(traced):
    """Under trio, too, tasks that share one object and name two threads keep to their own."""
    trio = pytest.importorskip("trio", reason="not run: trio is not installed")
    turn, seen = langwatch.trace(name="turn"), {}

    async def one(name):
        with turn:
            await trio.sleep(0)
            turn.update(thread_id=name)
            await trio.sleep(0)
            seen[name] = turn.conversation.thread_id

    async def run():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one, "a")
            nursery.start_soon(one, "b")

    trio.run(run)
    assert seen == {"a": "a", "b": "b"}
    assert sorted(span.attributes["session.id"] for span in finished(traced)) == ["a", "b"]
