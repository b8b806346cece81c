"""Kinds of endpoint that go on when they have returned: streams, events, background tasks, websockets."""

import importlib.util
import json

from fastapi import BackgroundTasks, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from websockets.sync.client import connect

import langwatch_otel as langwatch
from _making import MEANT, WORK, Turn, kind

CHUNKS = ("chunk", "chunk")


def streaming(synchronous, decorated, in_body, media_type="text/plain"):
    """An application that answers with a stream, and names in its body or before."""

    def build(app, make):
        def chunk():
            with make.span("chunk"):
                return "data: x\n\n"

        async def words(thread):
            yield chunk()
            if in_body:
                make.work(thread)
            yield chunk()

        def words_sync(thread):
            yield chunk()
            if in_body:
                make.work(thread)
            yield chunk()

        def turn(turn: Turn):
            if not in_body:
                make.work(turn.thread)
            body = (words_sync if synchronous else words)(turn.thread)
            return StreamingResponse(body, media_type=media_type)

        async def asynchronous(turn: Turn):
            return turn_(turn)

        turn_ = turn
        endpoint = turn if synchronous else asynchronous
        app.post("/turn")(make.trace(name="turn")(endpoint) if decorated else endpoint)

    return build


for synchronous in (False, True):
    body = "`def` body" if synchronous else "`async def` body"
    for in_body in (False, True):
        label = f"`StreamingResponse`: {body}, named {'in it' if in_body else 'before'}, "
        kind(label + "`set_conversation()`", *WORK, *CHUNKS)(streaming(synchronous, False, in_body))
        traced = kind(label + "`@trace()`", "turn", *WORK, *CHUNKS)
        traced(streaming(synchronous, True, in_body))


@kind("server-sent events: `StreamingResponse` of a `@trace()` generator", "words", *WORK, *CHUNKS)
def events(app, make):
    @make.trace()
    async def words(thread):
        with make.span("chunk"):
            yield "data: x\n\n"
        make.work(thread)
        with make.span("chunk"):
            yield "data: x\n\n"

    @app.post("/turn")
    async def turn(turn: Turn):
        return StreamingResponse(words(turn.thread), media_type="text/event-stream")


def yielding(synchronous, decorated, events):
    """An application whose endpoint yields what FastAPI sends."""

    def build(app, make):
        def chunk():
            with make.span("chunk"):
                return {"text": "x"}

        async def turn(turn: Turn):
            yield chunk()
            make.work(turn.thread)
            yield chunk()

        def turn_sync(turn: Turn):
            yield chunk()
            make.work(turn.thread)
            yield chunk()

        endpoint = turn_sync if synchronous else turn
        options = {}
        if events:
            from fastapi.sse import EventSourceResponse

            options["response_class"] = EventSourceResponse
        app.post("/turn", **options)(make.trace(name="turn")(endpoint) if decorated else endpoint)

    return build


if importlib.util.find_spec("fastapi.sse") is not None:
    for events, what in ((True, "server-sent events: "), (False, "JSON lines: ")):
        for synchronous in (False, True):
            label = f"{what}{'`def`' if synchronous else '`async def`'} endpoint that yields, "
            kind(label + "`set_conversation()`", *WORK, *CHUNKS)(yielding(synchronous, False, events))
            traced = kind(label + "`@trace()`", "turn", *WORK, *CHUNKS)
            traced(yielding(synchronous, True, events))


def in_background(make, synchronous, names=False):
    """A task for after the answer; the one that names does what an endpoint does."""

    def work(thread):
        with make.span("in the background"):
            pass
        if names:
            make.work(thread)

    async def asynchronous(thread):
        work(thread)

    return work if synchronous else asynchronous


def with_background(synchronous, decorated):
    def build(app, make):
        def turn(turn: Turn, tasks: BackgroundTasks):
            for each in (True, False):
                task = in_background(make, each)
                tasks.add_task(task, turn.thread)
                tasks.add_task(make.trace(name="task")(task), turn.thread)
            make.work(turn.thread)

        async def asynchronous(turn: Turn, tasks: BackgroundTasks):
            the_turn(turn, tasks)

        the_turn = turn
        endpoint = turn if synchronous else asynchronous
        app.post("/turn")(make.trace(name="turn")(endpoint) if decorated else endpoint)

    return build


TASKS = (*["in the background"] * 4, *["task"] * 2)
for synchronous, what in ((False, "`async def`"), (True, "`def`")):
    label = f"background tasks, `@trace()` and not: of {what}, "
    kind(label + "`set_conversation()`", *WORK, *TASKS)(with_background(synchronous, False))
    kind(label + "`@trace()`", *WORK, *TASKS, "turn")(with_background(synchronous, True))


@kind("named in a background task", "in the endpoint", "in the background", *WORK)
def named_in_background(app, make):
    @app.post("/turn")
    async def turn(turn: Turn, tasks: BackgroundTasks):
        with make.span("in the endpoint"):
            pass
        tasks.add_task(in_background(make, False, names=True), turn.thread)


def talk(threads):
    """Hold a conversation of one turn for each of `threads`, which are relative to the one asked for."""

    def over_a_websocket(port, headers, thread):
        headers = {**headers, "thread": thread or ""}
        with connect(f"ws://127.0.0.1:{port}/turn", additional_headers=headers, proxy=None) as socket:
            for each in threads:
                socket.send(json.dumps(thread and thread + each))
                socket.recv()
        return len(threads)

    return over_a_websocket


def websocket(decorate, at_the_start=False):
    """An application that takes turns over a websocket."""

    def build(app, make):
        async def turn(thread):
            if thread is not None and decorate is traced:
                langwatch.get_current_span().set_attribute(MEANT, thread)
            make.work(thread)

        turn = decorate(turn, make)

        @app.websocket("/turn")
        async def turns(socket: WebSocket):
            if at_the_start and socket.headers["thread"]:
                langwatch.set_conversation(thread_id=make.note(socket.headers["thread"]))
            await socket.accept()
            try:
                while True:
                    await turn(await socket.receive_json())
                    await socket.send_text("done")
            except WebSocketDisconnect:
                pass

    return build


def as_it_is(turn, make):
    return turn


def traced(turn, make):
    return make.trace(name="turn")(turn)


def in_a_conversation(turn, make):
    return langwatch.conversation()(turn)


BETWEEN = (
    "what FastAPI does between the turns of a websocket is nobody's, for the next turn may be another thread's; "
    "where a socket has one thread, `set_conversation()` at its start"
)
FROM_THERE_ON = (
    "a second name in one place holds from there on, inside the `with` block that it was given in: "
    "`@trace()` or `conversation()` around each turn"
)
for threads, what in ((["", "", ""], "one thread"), (["", " b", "", " b"], "two threads in turn")):
    label, more = f"websocket, {what}: ", {"talk": talk(threads)}
    note = FROM_THERE_ON if " b" in threads else ""
    kind(label + "`set_conversation()`", *WORK, note=note, **more)(websocket(as_it_is))
    kind(label + "`@trace()` around each turn", *WORK, "turn", note=BETWEEN, **more)(websocket(traced))
    inside = kind(label + "`conversation()` around each turn", *WORK, note=BETWEEN, **more)
    inside(websocket(in_a_conversation))
    if not note:
        started = kind(label + "`set_conversation()` at its start, `@trace()` around each turn", *WORK, "turn", **more)
        started(websocket(traced, at_the_start=True))
