"""What runs beside a conversation in the same request does not get its id, however long the request is open."""

import asyncio
import contextvars
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import BackgroundTasks, Depends
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

import langwatch_otel as langwatch
from _servers import post


def threads(traced, endpoint):
    """Serve one request to `endpoint`; return {name: thread} of its spans."""
    app = traced.app()
    app.post("/turn")(endpoint)
    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
    return {name: thread for name, thread in traced.threads().items() if not name.startswith(("POST", "fastapi."))}


def end(traced, name):
    traced.tracer.start_span(name).end()


async def batches(traced):
    """Two batches go out while the request is open."""
    for _ in range(2):
        await asyncio.to_thread(traced.batch.force_flush)


def converse(traced, thread):
    with langwatch.conversation(thread_id=thread):
        end(traced, f"in {thread}")


def test_an_export_between_two_names_lends_nothing_to_the_second(traced):
    """A task that is still to name its thread keeps its spans unnamed, though the first name is known at export."""
    named, exported = asyncio.Event(), asyncio.Event()

    async def first():
        end(traced, "before a")
        converse(traced, "a")
        named.set()

    async def second():
        end(traced, "before b")
        await exported.wait()
        converse(traced, "b")

    async def between():
        await named.wait()
        await batches(traced)
        exported.set()

    async def endpoint():
        end(traced, "before all")
        await asyncio.gather(first(), second(), between())
        return {}

    assert threads(traced, endpoint) == {
        "before all": "a",  # The request's own: its first conversation's, when that is all that is known.
        "before a": "a",
        "in a": "a",
        "before b": None,
        "in b": "b",
    }


def test_what_the_framework_ended_before_is_named_while_the_request_is_open(traced):
    """A dependency's spans belong to the request, in whatever thread they ended."""

    def found():
        end(traced, "in a thread")

    async def also():
        end(traced, "in the task")

    app, at_once = traced.app(), {}

    @app.post("/turn")
    async def turn(one: None = Depends(found), other: None = Depends(also)):
        await asyncio.to_thread(converse, traced, "a")
        await batches(traced)
        at_once.update({span.name: span.attributes.get("session.id") for span in traced.exporter.get_finished_spans()})
        return {}

    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
    assert at_once == dict.fromkeys(("fastapi.dependencies", "in a thread", "in the task", "in a"), "a")


@pytest.fixture
def threads_carry_the_context():
    ThreadingInstrumentor().instrument()
    yield
    ThreadingInstrumentor().uninstrument()


@pytest.mark.parametrize("pool", ["bare", "asyncio's"])
def test_the_next_job_of_a_thread_borrows_nothing(traced, threads_carry_the_context, pool):
    """One thread works for two conversations, one after the other: the second's spans wait for its own name."""
    workers = set()

    def job(thread):
        workers.add(threading.current_thread())
        with traced.span(f"before {thread}"):
            before = langwatch.get_conversation().thread_id
        converse(traced, thread)
        with traced.span(f"after {thread}"):
            return before

    async def endpoint():
        with ThreadPoolExecutor(1) as executor:
            if pool == "bare":
                jobs = [executor.submit(job, thread) for thread in "ab"]
                seen = [await asyncio.wrap_future(each) for each in jobs]
            else:
                asyncio.get_running_loop().set_default_executor(executor)
                seen = await asyncio.gather(*(asyncio.to_thread(job, thread) for thread in "ab"))
        return seen

    app, seen = traced.app(), []

    @app.post("/turn")
    async def turn():
        seen.extend(await endpoint())
        return {}

    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
    found = traced.threads()
    assert (len(workers), seen) == (1, [None, None])
    assert {name: thread for name, thread in found.items() if name.split()[-1] in ("a", "b")} == {
        "before a": None,  # Two threads were named: which is whose is not known for certain.
        "in a": "a",
        "after a": None if pool == "bare" else "a",
        "before b": None,
        "in b": "b",
        "after b": None,
    }


def test_a_thread_that_a_handle_from_elsewhere_named_is_contested_too(traced):
    """Two tasks name two threads in one request, one through another turn's handle: what ended before is nobody's."""
    with langwatch.conversation(thread_id="x") as elsewhere:
        pass

    async def first():
        elsewhere.update(thread_id="a")

    async def second():
        langwatch.set_conversation(thread_id="b")

    async def endpoint():
        end(traced, "before")
        await asyncio.create_task(first())
        await asyncio.create_task(second())
        return {}

    assert threads(traced, endpoint) == {"before": None}


@pytest.mark.parametrize("pool", ["bare", "asyncio's"])
def test_an_export_between_two_jobs_of_a_thread_lends_nothing(traced, threads_carry_the_context, pool):
    """What the second job of a thread ended before it names itself stays unnamed, though the first's name is known."""

    def first():
        converse(traced, "a")

    def second():
        end(traced, "before b")
        for _ in range(2):
            traced.batch.force_flush()
        converse(traced, "b")

    async def endpoint():
        with ThreadPoolExecutor(1) as executor:
            if pool == "bare":
                for job in (first, second):
                    await asyncio.wrap_future(executor.submit(job))
            else:
                asyncio.get_running_loop().set_default_executor(executor)
                await asyncio.gather(asyncio.to_thread(first), asyncio.to_thread(second))
        return {}

    assert threads(traced, endpoint) == {"in a": "a", "before b": None, "in b": "b"}


@pytest.mark.parametrize("when", ["in the handler", "after the answer"])
def test_a_turn_beside_that_never_names_itself_takes_nobodys_id(traced, when):
    """Of two gathered turns one fails before it knows its thread: it is not the other's, though that one is over."""
    over = asyncio.Event()

    @traced.trace(name="turn a")
    async def first():
        langwatch.set_conversation(thread_id="a")

    @traced.trace(name="turn b")
    async def second():
        with traced.span("in b"):
            raise KeyError

    async def late():
        await over.wait()
        await second()

    async def early():
        await first()
        over.set()

    async def both():
        await asyncio.gather(early(), late(), return_exceptions=True)

    async def endpoint(background: BackgroundTasks):
        if when == "after the answer":
            background.add_task(both)
        else:
            await both()

    assert threads(traced, endpoint) == {"turn a": "a", "turn b": None, "in b": None}


def test_middleware_sees_what_its_endpoint_named(make_traced):
    """A span that starts after `call_next()` in a BaseHTTPMiddleware carries the id without any exporter of ours."""
    traced = make_traced(backfill=False)
    app, seen = traced.app(), []

    @app.middleware("http")
    async def middleware(request, call_next):
        response = await call_next(request)
        seen.append(langwatch.get_conversation().thread_id)
        end(traced, "on the way out")
        return response

    @app.post("/turn")
    @traced.trace(name="turn")
    async def turn():
        langwatch.set_conversation(thread_id="t")

    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
    assert (seen, traced.threads()["on the way out"]) == (["t"], "t")


async def gathered_turns(traced):
    """Two tasks that name themselves one after the other; the second has spans before, between two batches."""
    named, exported, seen = asyncio.Event(), asyncio.Event(), {}

    async def turn(thread):
        with traced.span(f"open {thread}"):
            end(traced, f"before {thread}")
            if thread == "b":
                await named.wait()
                end(traced, "still before b")
                seen["before b"] = langwatch.get_conversation().thread_id
                await batches(traced)
                exported.set()
            langwatch.set_conversation(thread_id=thread)
            named.set()
            await exported.wait()
            end(traced, f"after {thread}")
            seen[thread] = langwatch.get_conversation().thread_id

    await asyncio.gather(turn("a"), turn("b"))
    return seen


AROUND = {
    "in the handler": [],
    "in a trace()": [(langwatch.trace, "turn")],
    "in a trace() in another": [(langwatch.trace, "turn"), (langwatch.trace, "outer")],
    "in a conversation() of a user": [(langwatch.conversation, None)],
    "in a span() of a user": [(langwatch.span, "turn")],
}


@pytest.mark.parametrize("when", [*AROUND, "after the answer"])
def test_gathered_tasks_that_name_themselves_keep_to_their_own(traced, when):
    """Without a scope around each: directly in the handler, in a scope that has no thread, or in a background task."""
    seen = []

    async def work():
        seen.append(await gathered_turns(traced))

    async def endpoint(background: BackgroundTasks):
        if when == "after the answer":
            background.add_task(work)
            return
        around = work
        for kind, name in AROUND[when]:
            given = {} if name is None else {"name": name, "tracer_provider": traced.provider}
            around = kind(user_id="u", **given)(around)
        await around()

    found = threads(traced, endpoint)
    assert seen == [{"before b": None, "a": "a", "b": "b"}]
    assert {name: thread for name, thread in found.items() if name not in ("turn", "outer")} == {
        "before a": "a",  # By the same task, and not sent yet.
        "before b": None,
        "still before b": None,
        "open a": "a",
        "open b": "b",
        "after a": "a",
        "after b": "b",
    }


@pytest.mark.parametrize("adopt", [True, False])
def test_a_task_that_names_its_trace_names_what_follows_in_it(traced, adopt):
    """Of two gathered turns each is named by a task of its own: what the turn does next has the name, live."""
    seen = []

    async def look_up(thread):
        with traced.span(f"look up {thread}"):
            langwatch.set_conversation(thread_id=thread)

    async def turn(thread):
        with traced.trace(name=f"turn {thread}", adopt=adopt):
            end(traced, f"before {thread}")
            await asyncio.create_task(look_up(thread))
            end(traced, f"after {thread}")
            seen.append(langwatch.get_conversation().thread_id)

    async def endpoint():
        await asyncio.gather(turn("a"), turn("b"))

    names = ("turn", "before", "look up", "after")
    assert threads(traced, endpoint) == {f"{name} {thread}": thread for name in names for thread in "ab"}
    assert seen == ["a", "b"]


@pytest.mark.parametrize("around", ["the request", "a trace() in it"])
def test_tasks_that_outlive_their_request_keep_to_their_own_names(traced, around):
    """Two tasks that a request left running name themselves when all that served it is gone."""
    app, seen, over = traced.app(), [], threading.Event()
    kept, named = [], asyncio.Event()

    async def one(thread, request):
        with traced.span(f"open {thread}"):
            while request() is not None:
                await asyncio.sleep(0)
            if thread == "b":
                await named.wait()
            seen.append(langwatch.get_conversation().thread_id)
            langwatch.set_conversation(thread_id=thread)
            named.set()
        if thread == "b":
            over.set()

    async def start():
        request = weakref.ref(asyncio.current_task())
        kept.extend(asyncio.create_task(one(thread, request)) for thread in "ab")

    @app.post("/turn")
    async def turn():
        await (start if around == "the request" else traced.trace(name="turn")(start))()

    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
        assert over.wait(5)
    assert seen == [None, None]
    assert {name: thread for name, thread in traced.threads().items() if name.startswith("open")} == {
        "open a": "a",
        "open b": "b",
    }


def test_a_thread_that_outlives_its_request_has_the_name_that_its_coroutine_gave(traced):
    """What a thread runs to its end in a loop of its own is not beside it, though the request is gone."""
    app, seen, threads = traced.app(), [], []

    async def look_up():
        langwatch.set_conversation(thread_id="t")

    def work(request):
        while request() is not None:
            time.sleep(0.001)
        asyncio.run(look_up())
        seen.append(langwatch.get_conversation().thread_id)

    @app.post("/turn")
    async def turn():
        given = (work, weakref.ref(asyncio.current_task()))
        threads.append(threading.Thread(target=contextvars.copy_context().run, args=given))
        threads[0].start()

    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
        threads[0].join(5)
    assert seen == ["t"]
