"""Chains of tasks and deep recursion: memory stays flat, time linear.

Each chain runs in small by default, and with `-m stress` at the size that it is about.
"""

import asyncio
import contextvars
import gc
import sys
import time
import tracemalloc

import pytest

import langwatch_otel as langwatch
from _memory import SIZES, report, tracing


@pytest.fixture
def tracer():
    """The tracer of a provider that keeps nothing."""
    with tracing() as found:
        yield found


def plain(tracer, number):
    return tracer.start_as_current_span("task")


def traced(tracer, number):
    return langwatch.trace(name="task")


def traced_by_name(tracer, number):
    return langwatch.trace(name="task", thread_id=f"thread-{number}")


def conversation(tracer, number):
    return langwatch.conversation(thread_id=f"thread-{number}")


class Naming:
    """Names a new thread, in a span or without one."""

    def __init__(self, number, span=None):
        self.number, self.span = number, span

    def __enter__(self):
        if self.span is not None:
            self.span.__enter__()
        langwatch.set_conversation(thread_id=f"thread-{self.number}")

    def __exit__(self, *error):
        if self.span is not None:
            self.span.__exit__(*error)


def naming(tracer, number):
    return Naming(number)


def naming_in_a_span(tracer, number):
    return Naming(number, tracer.start_as_current_span("task"))


KINDS = [plain, traced, traced_by_name, conversation, naming, naming_in_a_span]


@pytest.mark.parametrize("block", KINDS)
@pytest.mark.parametrize("large", SIZES)
def test_a_chain_of_tasks_is_flat(tracer, block, large):
    """Tasks that are each started from inside the one before hold nothing of those that are over."""
    count = 60_000 if large else 1200

    async def chain(count):
        done = asyncio.get_running_loop().create_future()

        async def task(number):
            with block(tracer, number):
                if number < count:
                    tasks.add(started := asyncio.create_task(task(number + 1)))
                    started.add_done_callback(tasks.discard)
                else:
                    done.set_result(None)

        tasks = {asyncio.create_task(task(0))}
        await done
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])

    held, sizes = [], []
    tracemalloc.start()
    began = time.perf_counter()
    try:
        for size in (200, 200, count):
            contextvars.Context().run(asyncio.run, chain(size))
            sizes.append(size)
    finally:
        tracemalloc.stop()
    grown = held[2] - held[1]  # Taken while the last task still runs: what the chain itself holds.
    report(f"chain of {block.__name__}", count, python=grown, seconds=int(time.perf_counter() - began))
    assert grown < 30_000


def recurse(deep, block):
    with block():
        return recurse(deep - 1, block) if deep else 0


@pytest.mark.parametrize(
    "block",
    [
        lambda tracer: lambda: tracer.start_as_current_span("level"),
        lambda tracer: lambda: langwatch.trace(name="level"),
        lambda tracer: lambda: langwatch.trace(name="level", user_id="u"),
        lambda tracer: lambda: langwatch.conversation(user_id="u"),
        lambda tracer: lambda: langwatch.span(name="level"),
    ],
    ids=["span", "trace", "trace with a user", "conversation", "our span"],
)
@pytest.mark.parametrize("named", ["first", "last"])
def test_recursion_is_linear(tracer, block, named):
    """1,000 levels take about four times as long as 250, named before the first or inside the last."""

    def took(deep):
        def bottom():
            if named == "last":
                langwatch.set_conversation(thread_id="t")

        def level(left):
            with block(tracer)():
                return level(left - 1) if left else bottom()

        began = time.process_time()
        with tracer.start_as_current_span("request"):
            if named == "first":
                langwatch.set_conversation(thread_id="t")
            level(deep)
        return time.process_time() - began

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    gc.disable()
    try:
        took(250)
        short, long = (min(took(deep) for _ in range(5)) for deep in (250, 1000))
    finally:
        gc.enable()
        sys.setrecursionlimit(limit)
    report(
        f"recursion {named}",
        1000,
        microseconds_a_level=int(long * 1000),
        ratio_percent=int(100 * long / short),
    )
    assert long / short < 9  # Linear is 4, quadratic 16.
