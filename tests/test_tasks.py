"""Work that a turn starts in tasks and threads: whether it belongs to the turn's conversation."""

import asyncio
import contextvars
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

import langwatch_otel as langwatch

PAGE = Path(__file__).parent.parent / "docs" / "concurrency.md"
BEGIN, END = "<!-- table: tests/test_tasks.py -->\n", "<!-- end of table -->\n"
REWRITE = "WRITE_DOCS=1 pytest tests/test_tasks.py"


async def awaited(work):
    work()


async def gathered(work):
    async def coroutine():
        work()

    await asyncio.gather(coroutine())


async def task(work):
    async def coroutine():
        work()

    await asyncio.create_task(coroutine())


async def task_group(work):
    async def coroutine():
        work()

    async with asyncio.TaskGroup() as group:
        group.create_task(coroutine())


async def called_soon(work):
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(lambda: (work(), done.set()))
    await done.wait()


async def to_thread(work):
    await asyncio.to_thread(work)


async def run_in_executor(work):
    with ThreadPoolExecutor() as executor:
        await asyncio.get_running_loop().run_in_executor(executor, work)


async def submit(work):
    with ThreadPoolExecutor() as executor:
        executor.submit(work).result()


async def mapped(work):
    with ThreadPoolExecutor() as executor:
        list(executor.map(lambda _: work(), [1]))


async def thread(work):
    started = threading.Thread(target=work)
    started.start()
    started.join()


async def timer(work):
    started = threading.Timer(0.01, work)
    started.start()
    started.join()


async def copied_to_executor(work):
    with ThreadPoolExecutor() as executor:
        executor.submit(contextvars.copy_context().run, work).result()


async def copied_to_thread(work):
    started = threading.Thread(target=contextvars.copy_context().run, args=(work,))
    started.start()
    started.join()


WAYS = {
    "`await`": awaited,
    "`asyncio.gather`": gathered,
    "`asyncio.create_task`": task,
    "`asyncio.TaskGroup`": task_group,
    "`loop.call_soon`": called_soon,
    "`asyncio.to_thread`": to_thread,
    "`loop.run_in_executor`": run_in_executor,
    "`ThreadPoolExecutor.submit`": submit,
    "`ThreadPoolExecutor.map`": mapped,
    "`threading.Thread`": thread,
    "`threading.Timer`": timer,
    "`submit(contextvars.copy_context().run, work)`": copied_to_executor,
    "`Thread(target=contextvars.copy_context().run, args=(work,))`": copied_to_thread,
}
# Where plain OpenTelemetry loses its context.
LOST = (run_in_executor, submit, mapped, thread, timer)


@pytest.fixture(params=["alone", "instrumented"])
def threads(request):
    """Whether OpenTelemetry's instrumentation of threads is on."""
    if request.param == "alone":
        yield False
        return
    ThreadingInstrumentor().instrument()
    yield True
    ThreadingInstrumentor().uninstrument()


def seen(traced, way):
    """(thread of a span, thread of `get_conversation()`, whether in the turn's trace) of work that a turn starts."""
    found = []

    def work():
        with traced.span("work") as span:
            found.append(langwatch.get_conversation().thread_id)
            found.append(span.context.trace_id)

    async def turn():
        with traced.trace(name="turn", thread_id="t") as running:
            await way(work)
            found.append(running.trace_id)

    asyncio.run(turn())
    conversation, trace_id, turns = found
    return traced.threads()["work"], conversation, f"{trace_id:032x}" == turns


@pytest.mark.parametrize("name", WAYS)
def test_work_belongs_to_the_turn_wherever_the_context_goes(traced, threads, name):
    """Work's spans and `get_conversation()` have the turn's id where OpenTelemetry keeps it in the turn's trace."""
    if name == "`asyncio.TaskGroup`" and sys.version_info < (3, 11):
        pytest.skip("not run: Python 3.11")
    follows = threads or WAYS[name] not in LOST
    assert seen(traced, WAYS[name]) == (("t", "t", True) if follows else (None, None, False))


def test_turns_in_threads_keep_to_their_own(traced, threads):
    """Turns that one request starts side by side, in tasks and in threads, never have each other's ids."""

    def work(name):
        with traced.trace(name=name, thread_id=name), traced.span(f"below {name}"):
            return langwatch.get_conversation().thread_id

    async def request():
        loop = asyncio.get_running_loop()
        with traced.span("request"), ThreadPoolExecutor(3) as executor:
            mine = [asyncio.to_thread(work, f"a{number}") for number in range(10)]
            theirs = [loop.run_in_executor(executor, work, f"b{number}") for number in range(10)]
            return await asyncio.gather(*mine, *theirs)

    names = [f"{kind}{number}" for kind in "ab" for number in range(10)]
    assert asyncio.run(request()) == names
    found = traced.threads()
    del found["request"]
    assert found == {name: name.removeprefix("below ") for thread in names for name in (thread, f"below {thread}")}


def table():
    """The table of the page, as the test above holds it."""
    lines = ["| started with | OpenTelemetry alone | with its instrumentation of threads |", "|---|---|---|"]
    lines += [f"| {name} | {'no' if way in LOST else 'yes'} | yes |" for name, way in WAYS.items()]
    return "\n".join(lines) + "\n"


def test_the_page_says_what_is_so():
    """The table in docs/concurrency.md is the one that the test above holds."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    written = before + BEGIN + table() + END + after
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(written, encoding="utf-8")
        page = written
    assert page == written, f"write the table anew with: {REWRITE}"
