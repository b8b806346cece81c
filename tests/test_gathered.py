"""Several conversations gathered in one request: none borrows another's id, however it is named."""

import asyncio

import pytest

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
