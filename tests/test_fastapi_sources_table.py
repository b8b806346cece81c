"""Which spans carry an id that sources read; `python tests/test_fastapi_sources_table.py --write` writes it down."""

import functools
import json
import re
import sys
from pathlib import Path

import pytest
from fastapi import BackgroundTasks, Depends, Request, WebSocket
from fastapi.responses import StreamingResponse
from opentelemetry.trace import SpanKind
from websockets.sync.client import connect

from _sourced import NATIVE, Turn, serving, short

PAGE = Path(__file__).parent.parent / "docs" / "sources.md"
BETWEEN_MARKERS = re.compile(r"(?<=<!-- table -->\n).*(?=<!-- end of table -->)", re.DOTALL)
COMMAND = "python tests/test_fastapi_sources_table.py --write"

MODES = {**({"FastAPI's own": "FastAPI's own"} if NATIVE else {}), "contrib's": "instrument_app()"}
SERVER = "the server span"
SOURCES = ("header:x-thread", "query:thread", "cookie:thread", "path:name", "body:thread_id")
KINDS = {
    "sync": "`def`",
    "async": "`async def`",
    "streaming": "`StreamingResponse`",
    "background": "background tasks",
    "json": "`await request.json()`",
    "stream": "`async for ... in request.stream()`",
    "unread": "the body is not read",
    "websocket": "websocket, one message",
}


def build(app, recorder):
    """An endpoint of each kind, none of which knows of conversations; those of HTTP look somebody up first."""
    span = recorder.tracer.start_as_current_span

    async def look_up():
        with span("look-up"):
            pass

    def post(kind):
        return app.post(f"/{kind}/{{name}}", dependencies=[Depends(look_up)])

    @post("sync")
    def synchronous(turn: Turn):
        with span("inside"):
            return {}

    @post("async")
    async def asynchronous(turn: Turn):
        with span("inside"):
            return {}

    @post("streaming")
    async def streaming(turn: Turn):
        async def words():
            with span("in the stream"):
                yield "word"

        return StreamingResponse(words())

    @post("background")
    async def background(turn: Turn, tasks: BackgroundTasks):
        def task():
            with span("in the background"):
                pass

        tasks.add_task(task)
        return {}

    @post("json")
    async def by_itself(request: Request):
        with span("before the body"):
            pass
        with span("around the body"):
            await request.json()
        with span("after the body"):
            return {}

    @post("stream")
    async def in_chunks(request: Request):
        with span("before the body"):
            pass
        with span("around the body"):
            async for _ in request.stream():
                pass
        with span("after the body"):
            return {}

    @post("unread")
    async def unread():
        with span("inside"):
            return {}

    @app.websocket("/websocket/{name}")
    async def messages(websocket: WebSocket):
        with span("before the message"):
            await websocket.accept()
        await websocket.receive_text()
        with span("the turn"):
            await websocket.send_text("word")
        await websocket.close()


def ask(server, kind):
    """One request with the id in each place."""
    path, said = f"/{kind}/t?thread=t", {"thread_id": "t"}
    headers = {"X-Thread": "t", "Cookie": "thread=t"}
    if kind != "websocket":
        assert server.post(path, said, headers)[0] == 200
        return
    with connect(f"ws://127.0.0.1:{server.port}{path}", additional_headers=headers) as socket:
        socket.send(json.dumps(said))
        assert socket.recv() == "word"
    server.wait()


def label(span):
    return SERVER if span.kind is SpanKind.SERVER else short(span.name)


@functools.cache
def measured(mode, source, backfill):
    """{kind: {(span's name, thread)}} of one request to each kind of endpoint; a server span's name is SERVER."""
    found = {}
    with serving(MODES[mode], build, late=backfill, thread_id_from=source) as server:
        for kind in KINDS:
            server.recorder.exporter.clear()
            ask(server, kind)
            found[kind] = {(label(span), span.attributes.get("session.id")) for span in server.recorder.spans}
    return found


def cell(spans):
    """Say which spans do not carry the id."""
    assert {thread for _, thread in spans} <= {"t", None}
    without = sorted({name for name, thread in spans if thread is None})
    if len(without) == len({name for name, _ in spans}):
        return "none"
    return f"all but {', '.join(f'`{name}`' for name in without)}" if without else "all"


def table():
    """Return what belongs between the markers: alike sources and alike endpoints together."""
    lines = {}
    for source in SOURCES:
        for kind, endpoint in KINDS.items():
            cells = tuple(cell(measured(mode, source, backfill)[kind]) for mode in MODES for backfill in (True, False))
            lines.setdefault((kind, cells), (endpoint, []))[1].append(source.partition(":")[0])
    rows = {}
    for (_, cells), (endpoint, sources) in lines.items():
        rows.setdefault((tuple(sources), cells), []).append(endpoint)
    titles = [f"{mode}{how}" for mode in MODES for how in (", backfill", "")]
    text = ["| source | endpoint | " + " | ".join(titles) + " |", "|---" * (len(titles) + 2) + "|"]
    for (sources, cells), endpoints in sorted(rows.items(), key=lambda row: -len(row[0][0])):
        first = ", ".join(f"`{source}:`" for source in sources)
        text.append("| " + " | ".join((first, "; ".join(endpoints), *cells)) + " |")
    return "\n".join(text) + "\n"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("source", SOURCES)
def test_the_server_span_has_the_id_however_late(mode, source):
    """Of every kind of endpoint that lets the id be seen, exported with backfill and without."""
    for backfill in (True, False):
        found = measured(mode, source, backfill)
        named = {kind for kind, spans in found.items() if (SERVER, "t") in spans}
        assert named == KINDS.keys() - ({"unread"} if source.startswith("body") else set())


@pytest.mark.parametrize("mode", MODES)
def test_with_backfill_every_span_of_a_request_has_the_id(mode):
    """Where the application reads the body, no span of an HTTP request is left out."""
    http = KINDS.keys() - {"websocket", "unread"}
    found = {source: {kind: cell(measured(mode, source, True)[kind]) for kind in http} for source in SOURCES}
    assert found == {source: dict.fromkeys(http, "all") for source in SOURCES}


@pytest.mark.skipif(not NATIVE, reason="not run: the page is of a FastAPI that makes spans of its own")
def test_the_page_says_what_is_measured():
    """The table of docs/sources.md is what real requests gave."""
    [written] = BETWEEN_MARKERS.findall(PAGE.read_text(encoding="utf-8"))
    assert written == table(), f"run: {COMMAND}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {COMMAND}")
    page = PAGE.read_text(encoding="utf-8")
    written = table()
    PAGE.write_text(BETWEEN_MARKERS.sub(lambda _: written, page), encoding="utf-8")
