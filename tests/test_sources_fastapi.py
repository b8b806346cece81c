"""Ids that are taken from the request, in applications that are not changed for it."""

import hashlib
import json
import socket
from contextlib import nullcontext

import pytest
import starlette.routing
from fastapi import Request, WebSocket
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount
from websockets.sync.client import connect

import langwatch_otel as langwatch
from _recorder import recording
from _sourced import FASTAPIS, MODES, NATIVE, Server, Turn, application, serving
from langwatch_otel import LangWatchInstrumentor

every_mode = pytest.mark.parametrize("mode", MODES)
every_fastapi = pytest.mark.parametrize("mode", FASTAPIS)

JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def no_mistakes(said):
    """None of our mistakes is swallowed in a test."""
    yield
    assert [reason for reason in said() if "langwatch_otel failed" in reason] == []


@every_fastapi
@pytest.mark.parametrize("source", ["header:X-Thread", "path:name", "query:thread", "cookie:thread", "body:thread_id"])
@pytest.mark.parametrize("path", ["chat", "sync"])
def test_the_thread_is_read_from_where_the_setting_says(mode, source, path):
    """The server span, and what starts in the endpoint, after it and in the background carry the id of any source."""
    with serving(mode, thread_id_from=source) as server:
        headers = {"X-Thread": "t1", "Cookie": "other=x; thread=t1"}
        assert server.post(f"/{path}/t1?thread=t1", {"thread_id": "t1"}, headers) == (200, b"{}")
        found = server.found()
    unnamed = {name for name, values in found.items() if values != {"t1"}}
    # What the server span begins with is read at once; the body, and the route, come with what contrib has ended.
    assert unnamed <= ({"http receive"} if source.startswith("body") else set())
    assert {"POST", "inside"} <= found.keys()


@every_mode
def test_a_request_without_the_id_has_none(mode):
    """Nothing is made up where no source gives anything, and the request before leaves nothing."""
    with serving(mode, thread_id_from="header:x-thread,body:thread_id") as server:
        server.post("/raw", {"thread_id": "t1"})
        server.recorder.spans, server.recorder.exporter.clear()
        assert server.post("/raw", {"other": "t1"})[0] == 200
        assert server.everywhere() == {None}


@every_mode
@pytest.mark.parametrize(
    ("headers", "body", "thread"),
    [
        ({"X-Thread": "h"}, {"a": {"id": "b"}, "thread_id": "c"}, "b"),
        ({"X-Thread": "h"}, {"thread_id": "c"}, "c"),
        ({"X-Thread": "h"}, {}, "h"),
        ({"X-Thread": "h"}, None, "h"),
        ({}, {}, "u"),
    ],
)
def test_the_first_source_that_gives_something_wins(mode, headers, body, thread):
    """Sources are asked in their order, however late the better one is known."""
    sources = ["body:a.id", "body:thread_id", "header:x-thread", "query:t"]
    with serving(mode, late=True, thread_id_from=sources) as server:
        server.post("/raw?t=u", body, headers)
        assert server.everywhere() == {thread}


@every_mode
def test_the_user_and_the_customer_are_read_too(mode):
    """Each field has sources of its own."""
    settings = {"user_id_from": "body:user.id", "customer_id_from": "header:x-customer", "thread_id_from": "query:t"}
    with serving(mode, **settings) as server:
        server.post("/raw?t=t%201", {"user": {"id": 7}}, {"X-Customer": "c"})
        keys = ("session.id", "user.id", "langwatch.customer.id")
        assert [server.found(key)["inside"] for key in keys] == [{"t 1"}, {"7"}, {"c"}]


@every_mode
def test_a_user_from_a_source_is_hashed(mode):
    """Where users are pseudonyms, one that a source gives is hashed as if the code had named it."""
    with serving(mode, user_id_from="header:x-user", user_id_hash_key="k" * 16) as server:
        server.post("/raw", {}, {"X-User": "alice"})
        [found] = server.found("user.id")["inside"]
        with langwatch.conversation(user_id="alice"):
            assert langwatch.get_conversation().user_id == found != "alice"


def by_handle(turn):
    langwatch.get_current_trace().update(metadata={"thread_id": "code"})


def by_function(turn):
    langwatch.set_conversation(thread_id="code")


def code_first(naming, decorate=lambda endpoint: endpoint):
    """An application whose endpoint names its conversation itself, after a span."""

    def build(app, recorder):
        @app.post("/coded")
        @decorate
        async def coded(turn: Turn):
            with recorder.tracer.start_as_current_span("before"):
                pass
            with recorder.tracer.start_as_current_span("around"):
                naming(turn)
                with recorder.tracer.start_as_current_span("inside"):
                    return {}

    return build


NAMINGS = {
    "set_conversation()": (code_first(by_function)),
    "update()": (code_first(by_handle)),
    "@trace() and update()": code_first(by_handle, langwatch.trace()),
    "@trace(thread_id=)": code_first(lambda turn: None, langwatch.trace(thread_id="code")),
    "@conversation(thread_id=)": code_first(lambda turn: None, langwatch.conversation(thread_id="code")),
}


@every_fastapi
@pytest.mark.parametrize("source", ["header:x-thread", "body:thread_id"])
@pytest.mark.parametrize("naming", NAMINGS)
def test_what_the_code_says_wins(mode, source, naming):
    """The application's name takes the place of a source's on every span, those that ended before too."""
    with serving(mode, NAMINGS[naming], late=True, thread_id_from=source) as server:
        assert server.post("/coded", {"thread_id": "source"}, {"X-Thread": "source"})[0] == 200
        assert server.everywhere() == {"code"}


@every_fastapi
def test_what_the_code_leaves_open_a_source_fills(mode):
    """A user that the code names stands beside the thread of a source."""

    def build(app, recorder):
        @app.post("/coded")
        async def coded(turn: Turn):
            langwatch.set_conversation(user_id="code")
            return {}

    settings = {"thread_id_from": "body:thread_id", "user_id_from": "header:x-user"}
    with serving(mode, build, **settings) as server:
        server.post("/coded", {"thread_id": "t"}, {"X-User": "source"})
        assert (server.found()["POST"], server.found("user.id")["POST"]) == ({"t"}, {"code"})


@every_fastapi
def test_a_body_that_comes_after_the_codes_name_changes_nothing(mode):
    """The code that has spoken before it reads the body keeps its word."""

    def build(app, recorder):
        @app.post("/coded")
        async def coded(request: Request):
            with langwatch.conversation(thread_id="code"):
                await request.body()
            with recorder.tracer.start_as_current_span("after"):
                return {}

    with serving(mode, build, thread_id_from="body:thread_id", late=True) as server:
        server.post("/coded", {"thread_id": "source"})
        assert server.everywhere() == {"code"}


@every_fastapi
def test_a_source_goes_before_baggage(mode):
    """Of what comes in with a request, a setting's source says more than baggage."""
    with serving(mode, thread_id_from="body:thread_id", user_id_from="body:user") as server:
        server.post("/chat/x", {"thread_id": "source"}, {"Baggage": "session.id=inbound,user.id=u"})
        assert server.found()["inside"] == {"source"}
        assert server.found("user.id")["inside"] <= {"u", None}


def nested(depth):
    return b'{"thread_id": ' + b"[" * depth + b"]" * depth + b"}"


def named(**more):
    return json.dumps({"thread_id": "t", **more}).encode()


HOSTILE = {
    "broken": named()[:-1],
    "not JSON at all": b"\x00\xff\xfe thread_id",
    "empty": b"",
    "a list": b'[{"thread_id": "t"}]',
    "a string": b'"thread_id"',
    "huge": named(filler="x" * 70_000),
    "deeply nested": nested(30_000),
    "the same key twice": b'{"thread_id": "a", "thread_id": "b"}',
    "the same key twice, once escaped": b'{"thread_id": "a", "thread\\u005fid": "b"}',
    "a list for an id": b'{"thread_id": ["t"]}',
    "a number that is not whole": b'{"thread_id": 1.5}',
    "true": b'{"thread_id": true}',
    "null": b'{"thread_id": null}',
    "a number without end": b'{"thread_id": ' + b"9" * 5000 + b"}",
    "blank": b'{"thread_id": " \\t"}',
    "a control character": b'{"thread_id": "a\\u0000b"}',
    "a lone surrogate": b'{"thread_id": "\\ud800"}',
    "not UTF-8": b'{"thread_id": "\xff"}',
    "a deep key": b'{"thread_id": {"thread_id": "t"}}',
}


@every_mode
@pytest.mark.parametrize("path", ["/raw", "/chunks"])
def test_bad_bodies_name_nobody_and_arrive_as_they_were_sent(mode, path):
    """No id, no error, and the application's bytes have the hash of the client's, whole or in chunks."""
    with serving(mode, thread_id_from="body:thread_id", user_id_from="header:x-user") as server:
        for body in HOSTILE.values():
            expected = json.dumps(hashlib.sha256(body).hexdigest()).encode()
            assert server.send("POST", path, body, JSON) == (200, expected)
            pieces = iter([body[:7], body[7:1000], body[1000:]])
            assert server.send("POST", path, (each for each in pieces if each), JSON) == (200, expected)
            assert server.everywhere() == {None}


@every_mode
def test_a_body_that_does_not_say_that_it_is_json_is_not_looked_at(mode):
    """JSON by the look of it is not enough."""
    with serving(mode, thread_id_from="body:thread_id") as server:
        assert server.send("POST", "/raw", named(), {"Content-Type": "text/plain"})[0] == 200
        assert server.send("POST", "/raw", named())[0] == 200
        assert server.everywhere() == {None}


@every_fastapi
def test_fastapi_refuses_bad_bodies_as_without_us(mode):
    """What FastAPI parses itself gets the same answer with sources and without."""
    answers = []
    for settings in ({}, {"thread_id_from": "body:thread_id"}):
        with serving(mode, **settings) as server:
            answers.append([server.send("POST", "/chat/x", body, JSON) for body in HOSTILE.values()])
            assert server.everywhere() == {None}
    assert answers[0] == answers[1]


@every_mode
@pytest.mark.parametrize("header", [b"\xff\xfe", b"caf\xe9", b"", b"   ", b"a\tb"])
def test_bad_headers_name_nobody(mode, header):
    """A header that is no UTF-8, blank or with controls gives no id and no error."""
    with serving(mode, thread_id_from="header:x-thread,cookie:thread") as server:
        request = b"GET /inside/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Thread: %b\r\nCookie: thread=%b\r\n\r\n"
        assert exchange(server, request % (header, header)).startswith(b"HTTP/1.1 200")
        assert server.everywhere() == {None}


@every_mode
def test_what_is_said_twice_differently_names_nobody(mode):
    """Of two values in one place none is believed."""
    with serving(mode, thread_id_from="header:x-thread,query:t") as server:
        request = (
            b"GET /inside/x?t=a&t=b HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Thread: a\r\nX-Thread: b\r\n\r\n"
        )
        assert exchange(server, request).startswith(b"HTTP/1.1 200")
        assert server.everywhere() == {None}


def exchange(server, request, requests=1):
    """What comes back for these bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request)
        found = b""
        while piece := connection.recv(65536):
            found += piece
    server.wait(requests)
    return found


@every_mode
def test_a_body_in_chunks_is_put_together(mode):
    """A chunked body is looked at when its last chunk has passed, whatever the pieces."""
    with serving(mode, thread_id_from="body:thread_id") as server:
        server.send("POST", "/raw", iter([b'{"thr', b'ead_id": "t', b'1"}']), JSON)
        found = server.found()
        assert found["inside"] == {"t1"}
        assert found.get("POST", {"t1"}) == {"t1"}


@every_mode
def test_a_body_that_is_read_while_the_answer_goes_out_names_the_rest(mode):
    """`request.stream()` in the answer's own body: the server span has the id, however late."""
    with serving(mode, thread_id_from="body:thread_id") as server:
        body = named()
        assert server.send("POST", "/echo", body, JSON) == (200, body)
        found = server.found()
        assert found["after"] == {"t"}
        assert found.get("POST", {"t"}) == {"t"}


@every_mode
def test_a_client_that_goes_away_in_its_body_names_nobody(mode):
    """Half a body gives no id; the server answers the next request."""
    with serving(mode, thread_id_from="body:thread_id") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            head = b"POST /raw HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
            connection.sendall(head + named())
        server.wait()
        assert server.post("/raw", {})[0] == 200
        assert server.everywhere() <= {None}


@every_mode
def test_pipelined_requests_keep_their_own_ids(mode):
    """Requests that are sent before the answer of the first have each their own id on their own spans."""
    with serving(mode, late=True, thread_id_from="header:x-thread", user_id_from="body:user") as server:
        requests = b""
        for number, ending in ((1, b""), (2, b""), (3, b"Connection: close\r\n")):
            body = json.dumps({"user": f"u{number}"}).encode()
            head = f"POST /raw HTTP/1.1\r\nHost: h\r\nX-Thread: t{number}\r\nContent-Length: {len(body)}\r\n".encode()
            requests += head + ending + b"Content-Type: application/json\r\n\r\n" + body
        assert exchange(server, requests, 3).count(b"HTTP/1.1 200") == 3
        for name in ("inside", "before") if mode != "Starlette" else ("inside",):
            found = [span.attributes for span in server.recorder.spans if span.name == name]
            assert [(each.get("session.id"), each.get("user.id")) for each in found] == [
                (f"t{number}", f"u{number}") for number in (1, 2, 3)
            ]


@pytest.mark.skipif(not NATIVE, reason="not run: this FastAPI makes no spans of its own")
def test_fastapi_parses_a_body_once(monkeypatch):
    """Of a body that FastAPI parses we take the result: JSON is decoded once."""
    decoded, loads = [], json.loads
    with serving("FastAPI's own", thread_id_from="body:thread_id") as server:
        body = named()

        def counting(text, *args, **kwargs):
            decoded.append(text)
            return loads(text, *args, **kwargs)

        monkeypatch.setattr(json, "loads", counting)
        server.send("POST", "/chat/x", body, JSON)
        monkeypatch.undo()
        assert decoded == [body]
        assert server.found()["inside"] == {"t"}


@every_fastapi
def test_a_plain_route_of_a_fastapi_application_is_named_when_it_has_read_its_body(mode):
    """Where FastAPI parses nothing, the endpoint need not answer before its spans have the id."""
    seen = []

    def build(app, recorder):
        async def plain(request):
            await request.json()
            seen.append(langwatch.get_conversation().thread_id)
            return JSONResponse({})

        app.add_route("/plain", plain, methods=["POST"])

    with serving(mode, build, thread_id_from="body:thread_id") as server:
        server.post("/plain", {"thread_id": "t"})
    assert seen == ["t"]


def test_where_nothing_is_recorded_the_code_sees_the_same():
    """An unsampled request has its source's id in get_conversation()."""
    for mode in MODES:
        seen = []

        async def look(request, seen=seen):
            await request.body()
            seen.append(langwatch.get_conversation().thread_id)
            return JSONResponse({})

        options = {"sampler": ALWAYS_OFF}
        with serving(mode, options=options, extra={"/look": look}, thread_id_from="body:thread_id") as server:
            server.post("/look", {"thread_id": "t"})
        assert (mode, seen) == (mode, ["t"])


def test_turned_off_nothing_is_looked_for():
    """After uninstrument() a server that goes on answering names nobody; turned on again it does."""
    before = starlette.routing.Route.handle
    with recording(settings={"thread_id_from": "header:x-thread"}) as recorder:
        app = application("instrument_app()", recorder)
        try:
            with Server(recorder, app).running() as server:
                found = []
                for turn in (None, LangWatchInstrumentor().uninstrument, on_again(recorder)):
                    if turn is not None:
                        turn()
                    recorder.exporter.clear()
                    server.send("GET", "/inside/x", None, {"X-Thread": "t"})
                    found.append(server.everywhere())
                assert found == [{"t"}, {None}, {"t"}]
        finally:
            FastAPIInstrumentor.uninstrument_app(app)
    assert starlette.routing.Route.handle is before


def on_again(recorder):
    return lambda: LangWatchInstrumentor().instrument(
        tracer_provider=recorder.provider, flush_on_shutdown=False, thread_id_from="header:x-thread"
    )


def test_a_mounted_application_is_the_same_request():
    """A FastAPI application inside a Starlette one: its path and its body are found."""
    with recording(settings={"thread_id_from": "path:name", "user_id_from": "body:thread_id"}) as recorder:
        inner = application(FASTAPIS[0], recorder)
        try:
            with Server(recorder, Starlette(routes=[Mount("/in", inner)])).running() as server:
                server.post("/in/chat/n1", {"thread_id": "u1"})
                assert (server.found()["inside"], server.found("user.id")["inside"]) == ({"n1"}, {"u1"})
        finally:
            if not NATIVE:  # What is left on would make the background tasks' spans of other tests.
                FastAPIInstrumentor.uninstrument_app(inner)


def talk(server, path, messages, headers=()):
    """Send each message and wait for its answer."""
    with connect(f"ws://127.0.0.1:{server.port}{path}", additional_headers=dict(headers), max_size=None) as socket:
        for message in messages:
            socket.send(message)
            socket.recv()
    server.wait()


def turns(server, key="session.id"):
    """The ids of the turns, in their order; when the socket is over."""
    return [span.attributes.get(key) for span in server.recorder.spans if span.name == "turn"]


@every_mode
@pytest.mark.parametrize("source", ["header:X-Thread", "path:name", "query:thread", "cookie:thread"])
def test_the_handshake_names_all_of_a_websocket(mode, source):
    """Header, path, query and cookie name every turn."""
    with serving(mode, thread_id_from=source) as server:
        talk(server, "/socket/t1?thread=t1", ["a", "b"], {"X-Thread": "t1", "Cookie": "thread=t1"})
    assert turns(server) == ["t1", "t1"]
    assert server.found().get("WS", server.found().get("/socket/{name}", {"t1"})) == {"t1"}


@every_mode
def test_each_message_names_its_own_turn(mode):
    """A JSON text message's id is its turn's; one without has that of the handshake; bytes change nothing."""
    messages = [
        '{"thread_id": "a"}',
        '{"thread_id": "b"}',
        '{"thread_id": 3}',
        "not JSON",
        '{"thread_id": "x", "thread_id": "y"}',
        '{"thread_id": "b"}',
        b'{"thread_id": "c"}',
        '{"thread_id": "d", "filler": "' + "x" * 70_000 + '"}',
    ]
    for headers, rest in (({}, None), ({"X-Thread": "h"}, "h")):
        with serving(mode, thread_id_from="body:thread_id,header:x-thread", user_id_from="query:u") as server:
            talk(server, "/socket/x?u=u", messages, headers)
        assert turns(server) == ["a", "b", "3", rest, rest, "b", "b", rest]
        assert turns(server, "user.id") == ["u"] * 8


@every_mode
def test_a_handshake_that_is_preferred_names_every_turn(mode):
    """Where the header comes first, a message says nothing against it."""
    with serving(mode, thread_id_from="header:x-thread,body:thread_id") as server:
        talk(server, "/socket/x", ['{"thread_id": "a"}'], {"X-Thread": "h"})
    assert turns(server) == ["h"]


@every_fastapi
def test_the_socket_has_the_id_of_its_first_turn(mode):
    """The server span of a websocket gets the first message's id, and keeps it."""
    with serving(mode, thread_id_from="body:thread_id") as server:
        talk(server, "/socket/x", ['{"thread_id": "a"}', '{"thread_id": "b"}'])
    assert of_socket(server) == "a"


def names_itself(app, recorder):
    @app.websocket("/coded")
    async def coded(websocket: WebSocket):
        await websocket.accept()
        for number in range(2):
            text = await websocket.receive_text()
            with recorder.tracer.start_as_current_span("turn"), langwatch.trace(thread_id=f"code {number}"):
                await websocket.send_text(text)


@every_fastapi
def test_in_a_websocket_too_what_the_code_says_wins(mode):
    """A turn that the code names has the code's name, on the span around it too."""
    with serving(mode, names_itself, thread_id_from="body:thread_id") as server:
        talk(server, "/coded", ['{"thread_id": "a"}', '{"thread_id": "b"}'])
    assert turns(server) == ["code 0", "code 1"]
    assert of_socket(server) == "code 0"


def of_socket(server):
    [span] = [span for span in server.recorder.spans if span.kind.name == "SERVER"]
    return span.attributes.get("session.id")


@every_fastapi
@pytest.mark.parametrize("block", [True, False])
def test_once_the_code_has_named_a_websocket_messages_say_nothing(mode, block):
    """A name for the whole socket, in a block around it or without, holds for each of its turns."""

    def build(app, recorder):
        @app.websocket("/coded")
        async def coded(websocket: WebSocket):
            await websocket.accept()
            if not block:
                langwatch.set_conversation(thread_id="code")
            with langwatch.conversation(thread_id="code") if block else nullcontext():
                for _ in range(2):
                    text = await websocket.receive_text()
                    with recorder.tracer.start_as_current_span("turn"):
                        await websocket.send_text(text)

    with serving(mode, build, thread_id_from="body:thread_id") as server:
        talk(server, "/coded", ['{"thread_id": "a"}', '{"thread_id": "b"}'])
    assert turns(server) == ["code", "code"]
