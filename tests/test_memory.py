"""Memory stays flat, however long a process, a websocket or a generator goes on.

Each case runs in small by default, and with `-m stress` at the size that it is about.
"""

import asyncio
import functools
import gc
import itertools
import time
import tracemalloc
from contextlib import nullcontext

import pytest
from opentelemetry.context import Context, attach, detach

import langwatch_otel as langwatch
from _memory import SIZES, growth, kept, report, resident, tracing
from langwatch_otel import rendering, turn_links
from langwatch_otel.finding import current_scope

numbers = itertools.count()
"""Of threads: each is a new one, in the second round of a measurement too, since what is cached for one stays."""


@pytest.fixture
def tracer(monkeypatch):
    """The tracer of a provider that keeps nothing; few threads and names are known: what is bounded has its size."""
    monkeypatch.setattr(turn_links, "MAX_THREADS", 10)
    monkeypatch.setattr(rendering, "MAX_RECENT", 10)
    with tracing() as found:
        yield found


def turn(tracer, number):
    with tracer.start_as_current_span("request"):
        tracer.start_span("early").end()
        langwatch.set_conversation(thread_id=f"thread-{number}", user_id="u", metadata={"n": number})
        with langwatch.trace(name="turn"), langwatch.span(name="tool"):
            tracer.start_span("inside").end()


@pytest.mark.parametrize("large", SIZES)
def test_turns_leave_nothing(tracer, large):
    """Turn after turn, each with a thread of its own, nothing is kept."""
    count = 1_000_000 if large else 1500

    def run(count):
        for number in itertools.islice(numbers, count):
            turn(tracer, number)

    grown = growth(run, 1500)
    before, began = resident(), time.perf_counter()
    if large:
        run(count)
    report("turns", count, python=grown, rss=resident() - before, seconds=int(time.perf_counter() - began))
    # Caches and buffers take 17 to 48 KB in all, after 1,500 turns as after 6,000; one scope kept for each is 1 MB.
    assert grown < 64_000
    assert resident() - before < 8_000_000


def fails(tracer):
    with tracer.start_as_current_span("request"), pytest.raises(KeyError), langwatch.trace(thread_id="t"):
        raise KeyError("k")


def streams(tracer):
    @langwatch.trace
    def words():
        langwatch.set_conversation(thread_id="t")
        yield "a"

    with tracer.start_as_current_span("request"):
        list(words())


def unnamed(tracer):
    with tracer.start_as_current_span("request"), langwatch.conversation(user_id="u"):
        tracer.start_span("inside").end()


@pytest.mark.parametrize("once", [functools.partial(turn, number=1), fails, streams, unnamed])
def test_a_turn_that_is_over_holds_nothing(tracer, once):
    """What was made for a turn goes with it: nothing is left that only the garbage collector would find."""
    for _ in range(3):
        once(tracer)
    gc.collect()
    gc.disable()
    try:
        once(tracer)
        assert [type(found).__module__ for found in gc_found() if "langwatch" in type(found).__module__] == []
    finally:
        gc.enable()


def gc_found():
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


@pytest.mark.parametrize("block", [langwatch.conversation, None], ids=["turns", "one thread"])
@pytest.mark.parametrize("large", SIZES)
def test_a_long_scope_is_flat(tracer, large, block):
    """Under one open span, as of a websocket, message after message leaves nothing."""
    count = 100_000 if large else 2000

    def run(count):
        for number in itertools.islice(numbers, count):
            with block(thread_id=f"thread-{number}") if block else nullcontext():
                tracer.start_span("message").end()

    with tracer.start_as_current_span("websocket"):
        if block is None:
            langwatch.set_conversation(thread_id="t")
        grown = growth(run, count)
    report(f"long scope of {'turns' if block else 'one thread'}", count, python=grown)
    assert grown < 30_000


def test_spans_that_never_end_go_with_their_scope(tracer):
    """What is kept of a span that is dropped without an end is small, and goes when its scope does."""

    def websocket(count):
        with tracer.start_as_current_span("websocket"):
            for _ in range(count):
                tracer.start_span("message")
            return kept()

    websocket(100)
    tracemalloc.start()
    try:
        before = kept()
        assert websocket(2000) - before < 2000 * 500
        assert kept() - before < 30_000
    finally:
        tracemalloc.stop()


def test_a_scope_lets_go_of_spans_that_were_dropped(tracer):
    """Spans that are dropped without an end in one long conversation leave it; those that are open stay."""
    kept = []
    with langwatch.conversation():
        scope = current_scope()
        for number in range(10_000):
            span = tracer.start_span("never ends")
            if number % 100 == 0:
                kept.append(span)
        assert len(scope.open) <= 1_001
        langwatch.set_conversation(thread_id="t")
    assert [span.attributes["session.id"] for span in kept] == ["t"] * 100


@pytest.mark.parametrize("large", SIZES)
def test_renaming_in_one_place_is_flat(tracer, large):
    """One open span in which thread after thread is named keeps nothing of those before."""
    count = 100_000 if large else 2000

    def run(count):
        for number in itertools.islice(numbers, count):
            langwatch.set_conversation(thread_id=f"thread-{number}")
            tracer.start_span("message").end()

    with tracer.start_as_current_span("websocket"):
        grown = growth(run, count)
    report("renaming", count, python=grown)
    assert grown < 30_000


@pytest.mark.parametrize("large", SIZES)
def test_spans_that_never_end_are_flat(tracer, large):
    """Requests whose spans are dropped and never end leave nothing."""
    count = 100_000 if large else 2000

    def run(count):
        for number in itertools.islice(numbers, count):
            token = attach(Context())
            span = tracer.start_span("request")
            with langwatch.conversation(thread_id=f"thread-{number}"):
                tracer.start_span("inside")
            del span
            detach(token)

    grown = growth(run, count)
    report("never ended", count, python=grown)
    assert grown < 30_000


@pytest.mark.parametrize("large", SIZES)
def test_abandoned_generators_are_flat(tracer, large):
    """Generators left after their first item, sync and async, leave nothing once they are collected."""
    count = 60_000 if large else 1000

    @langwatch.trace
    def items():
        langwatch.set_conversation(thread_id="t")
        while True:
            yield "x"

    @langwatch.trace
    async def async_items():
        langwatch.set_conversation(thread_id="t")
        while True:
            yield "x"

    async def first():
        async for _ in async_items():
            break
        await asyncio.sleep(0)

    async def many(count):
        for _ in range(count):
            await first()

    def run(count):
        for _ in range(count):
            next(items())
        asyncio.run(many(count))

    grown = growth(run, count)
    report("abandoned generators", count, python=grown)
    assert grown < 30_000


def test_a_generator_of_empty_items_is_flat(tracer):
    """A generator that yields nothing of weight for ever keeps no list of it."""

    @langwatch.trace(capture_output=True)
    def items():
        while True:
            yield ""

    generator = items()

    def run(count):
        for _ in range(count):
            next(generator)

    assert growth(run, 20_000) < 5_000
    generator.close()
