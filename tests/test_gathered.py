"""Several conversations gathered in one request: none borrows another's id, however it is named."""

import asyncio

import pytest
from fastapi import APIRouter, Depends
from starlette.middleware.base import BaseHTTPMiddleware

import langwatch_otel as langwatch
from _servers import post

NAMINGS = {
    "set_conversation": lambda thread: langwatch.set_conversation(thread_id=thread),
    "update": lambda thread: langwatch.get_current_trace().update(metadata={"thread_id": thread}),
}


@pytest.mark.parametrize("naming", NAMINGS)
def test_gathered_tasks_that_name_themselves_keep_to_their_own(traced, naming):
    """Spans before a task names its thread, open or ended, carry no other task's, and those after it its own."""

    async def one(thread, turns):
        traced.tracer.start_span(f"early {thread}").end()
        with traced.tracer.start_as_current_span(f"open {thread}"):
            for _ in range(turns):
                await asyncio.sleep(0)
            NAMINGS[naming](thread)
            await asyncio.sleep(0)
            traced.tracer.start_span(f"late {thread}").end()
            assert langwatch.get_conversation().thread_id == thread

    async def endpoint():
        await asyncio.gather(one("a", 1), one("b", 2), one("c", 3))

    app = traced.app()
    app.post("/turn")(endpoint)
    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200

    found = {name: thread for name, thread in traced.threads().items() if name[-2:] in (" a", " b", " c")}
    expected = {f"{when} {thread}": thread for when in ("open", "late") for thread in "abc"}
    assert found == expected | {f"early {thread}": None for thread in "abc"}


@pytest.mark.parametrize("naming", NAMINGS)
def test_one_task_names_the_whole_request(traced, naming):
    """A request whose one conversation is named in a task has it on all of its spans."""

    async def answer():
        await asyncio.sleep(0)
        NAMINGS[naming]("a")
        traced.tracer.start_span("in the task").end()

    async def endpoint():
        traced.tracer.start_span("before").end()
        await asyncio.create_task(answer())
        assert langwatch.get_conversation().thread_id == "a"
        traced.tracer.start_span("behind").end()

    app = traced.app()
    app.post("/turn")(endpoint)
    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200

    assert set(traced.threads().values()) == {"a"}


@pytest.mark.parametrize("naming", NAMINGS)
def test_a_middleware_is_not_between_a_dependency_and_the_endpoint(traced, naming):
    """Under a middleware, which calls the application in a task of its own, a name holds as it does without."""
    seen = []

    async def depends():
        await asyncio.sleep(0)
        NAMINGS[naming]("a")

    def endpoint():
        traced.tracer.start_span("in the endpoint").end()
        seen.append(langwatch.get_conversation().thread_id)

        @traced.trace(name="turn")
        def turn():
            seen.append(langwatch.get_conversation().thread_id)

        turn()

    app = traced.app()
    app.post("/turn", dependencies=[Depends(depends)])(endpoint)
    app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200

    assert seen == ["a", "a"]
    assert set(traced.threads().values()) == {"a"}


def test_a_name_outlives_the_block_that_it_was_given_in(traced):
    """What a gathered task does after the span that it named itself in has its thread too."""

    async def one(thread):
        with traced.span(f"look up {thread}"):
            langwatch.set_conversation(thread_id=thread)
        await asyncio.sleep(0)
        traced.tracer.start_span(f"answer {thread}").end()
        await asyncio.to_thread(lambda: traced.tracer.start_span(f"store {thread}").end())

    async def endpoint():
        await asyncio.gather(one("a"), one("b"))

    app = traced.app()
    app.post("/turn")(endpoint)
    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200

    found = {name: thread for name, thread in traced.threads().items() if name[-2:] in (" a", " b")}
    assert found == {f"{what} {thread}": thread for what in ("look up", "answer", "store") for thread in "ab"}


@pytest.mark.parametrize("sources", [{}, {"thread_id_from": "body:thread"}], ids=["no sources", "sources"])
@pytest.mark.parametrize("is_included", [False, True], ids=["a route", "an included router's"])
def test_middlewares_see_what_their_endpoint_named(traced, is_included, sources):
    """While the instrumentor is on, each middleware in turn is told the conversation that the endpoint named."""
    seen = []

    async def looks(request, call_next):
        answer = await call_next(request)
        seen.append(langwatch.get_conversation().thread_id)
        return answer

    async def endpoint():
        langwatch.set_conversation(thread_id="a")

    app, router = traced.app(), APIRouter()
    (router if is_included else app).post("/turn")(endpoint)
    app.include_router(router)
    for _ in range(3):
        app.add_middleware(BaseHTTPMiddleware, dispatch=looks)
    instrumentor = langwatch.LangWatchInstrumentor()
    instrumentor.instrument(tracer_provider=traced.provider, **sources)
    try:
        with traced.served(app) as port:
            assert post(port, "/turn", {})[0] == 200
    finally:
        instrumentor.uninstrument()

    assert seen == ["a"] * 3
