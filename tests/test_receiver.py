"""The OTLP receiver: what is sent is what is found."""

import gzip
import http.client
import io
import json
import re
import socket
import threading
from email import message_from_string
from urllib.parse import urlsplit

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

from _otlp import JSON, PROTOBUF, protobuf, request
from _servers import post
from langwatch_otel.workbench.errors import RequestError
from langwatch_otel.workbench.otlp import MAX_BODY
from langwatch_otel.workbench.receiver import (
    ReceivedEvent,
    ReceivedLink,
    ReceivedSpan,
    Receiver,
)
from langwatch_otel.workbench.request_body import MAX_DISCARD, RequestBody


def _send(connection, body, path="/v1/traces"):
    connection.request("POST", path, json.dumps(body), {"Content-Type": JSON})
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def _port(receiver):
    return urlsplit(receiver.endpoint).port


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_what_opentelemetry_exports_is_received_whole(receiver, compression):
    """A span sent by the SDK's own exporter arrives with all that the SDK knows of it."""
    exporter = OTLPSpanExporter(f"{receiver.endpoint}/v1/traces", compression=compression)
    provider = TracerProvider(resource=Resource({"service.name": "tests"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    linked = SpanContext(1, 2, is_remote=False)
    with tracer.start_as_current_span("parent", kind=SpanKind.PRODUCER) as parent:
        child = tracer.start_span("child", attributes={"n": 1, "l": ["a"]}, links=[Link(linked, {"k": True})])
        child.add_event("said", {"words": "はい"}, timestamp=5)
        child.set_status(StatusCode.OK)
        child.end()
    provider.shutdown()

    ours, theirs = parent.get_span_context(), child.get_span_context()
    assert receiver.spans == [
        ReceivedSpan(
            trace_id=f"{theirs.trace_id:032x}",
            span_id=f"{theirs.span_id:016x}",
            parent_span_id=f"{ours.span_id:016x}",
            name="child",
            kind="INTERNAL",
            start_ns=child.start_time,
            end_ns=child.end_time,
            status="OK",
            attributes={"n": 1, "l": ["a"]},
            events=(ReceivedEvent("said", 5, {"words": "はい"}),),
            links=(ReceivedLink(f"{1:032x}", f"{2:016x}", {"k": True}),),
            scope_name="tests",
            resource={"service.name": "tests"},
        ),
        ReceivedSpan(
            trace_id=f"{ours.trace_id:032x}",
            span_id=f"{ours.span_id:016x}",
            parent_span_id="",
            name="parent",
            kind="PRODUCER",
            start_ns=parent.start_time,
            end_ns=parent.end_time,
            status="UNSET",
            scope_name="tests",
            resource={"service.name": "tests"},
        ),
    ]


def test_the_sender_is_answered_in_its_own_encoding(receiver):
    """Protobuf is answered with protobuf and JSON with JSON, be the answer good or bad."""
    port = _port(receiver)
    answers = [
        post(port, "/v1/traces", body, {"Content-Type": content_type})
        for content_type in (PROTOBUF, JSON)
        for body in ({PROTOBUF: protobuf("a"), JSON: request("a")}[content_type], b"\xff")
    ]
    message = {PROTOBUF: "the body is not an OTLP trace request"}
    message[JSON] = f"{message[PROTOBUF]} in JSON"

    assert [(status, headers["Content-Type"], body) for status, headers, body in answers] == [
        (200, PROTOBUF, ExportTraceServiceResponse().SerializeToString()),
        (400, PROTOBUF, Status(code=3, message=message[PROTOBUF]).SerializeToString()),
        (200, JSON, b"{}"),
        (400, JSON, json.dumps({"code": 3, "message": message[JSON]}).encode()),
    ]
    assert [span.name for span in receiver.spans] == ["a", "a"]


def test_the_bodies_of_protobuf_requests_are_kept_as_they_were_before_compression(receiver):
    """Two programs' requests can be compared byte by byte."""
    body = protobuf("a")
    post(_port(receiver), "/v1/traces", body, {"Content-Type": PROTOBUF})
    post(
        _port(receiver),
        "/v1/traces",
        gzip.compress(body),
        {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"},
    )
    post(_port(receiver), "/v1/traces", request("b"))
    assert receiver.requests == [body, body]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/traces", {}, 405),
        ("GET", "/", {}, 404),
        ("POST", "/v1/metrics", {"Content-Length": "2"}, 404),
        ("POST", "/v1/logs", {"Content-Length": "2"}, 404),
        ("POST", "/v1/traces", {}, 411),
        ("POST", "/v1/traces", {"Transfer-Encoding": "gzip, chunked"}, 400),
        ("POST", "/v1/traces", {"Transfer-Encoding": "chunked", "Content-Length": "2"}, 400),
        ("POST", "/v1/traces", {"Content-Length": "-1"}, 400),
        ("POST", "/v1/traces", {"Content-Length": "1_0"}, 400),
        ("POST", "/v1/traces", {"Content-Length": "9" * 5000}, 400),
        ("POST", "/v1/traces", {"Content-Length": str(10**12)}, 413),
    ],
)
def test_what_is_no_trace_request_is_refused(receiver, method, path, headers, status):
    """Other signals, other methods and bodies of unknown or undue length are answered, not waited for."""
    connection = http.client.HTTPConnection("127.0.0.1", _port(receiver), timeout=5)
    connection.putrequest(method, path)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(b"{}" if headers.get("Content-Length") == "2" else None)
    found = connection.getresponse().status
    connection.close()

    assert (found, receiver.spans) == (status, [])


def test_a_sender_of_too_much_still_gets_its_answer(receiver):
    """A body over the limit is read to its end, so that the refusal is not lost in a broken connection."""
    status, headers, _ = post(_port(receiver), "/v1/traces", bytes(MAX_BODY + 1), {"Content-Type": PROTOBUF})
    assert (status, headers["Content-Type"]) == (413, PROTOBUF)


def _raw(receiver, body, **more):
    """Send two requests on one connection, the first in chunks as they are given; return the statuses that came."""
    lines = {"Host": "127.0.0.1", "Content-Type": JSON, "Transfer-Encoding": "chunked", **more}
    head = "POST /v1/traces HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection(("127.0.0.1", _port(receiver)), timeout=5) as connection:
        connection.sendall(head.encode() + b"\r\n" + body + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", answer)]


def _chunk(data, extension=b""):
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


ONE = json.dumps(request("a")).encode()
END = b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "statuses", "received"),
    [
        (_chunk(ONE) + END, [200, 404], 1),
        (_chunk(ONE[:7]) + _chunk(ONE[7:], b" ;a=b;c") + END, [200, 404], 1),
        (b"".join(_chunk(ONE[i : i + 1]) for i in range(len(ONE))) + END, [200, 404], 1),
        (_chunk(ONE) + b"000;last\r\nTrailer: a\r\nOther: b\r\n\r\n", [200, 404], 1),
        (END, [400, 404], 0),
        (_chunk(bytes(MAX_BODY)) + _chunk(b"a") + END, [413, 404], 0),
        (_chunk(bytes(MAX_BODY)) + _chunk(b"a") + b"zz\r\n", [413], 0),
        (b"zz\r\n", [400], 0),
        (b"-1\r\n", [400], 0),
        (b"0x1\r\na\r\n" + END, [400], 0),
        (b"f" * 16 + b"\r\n", [400], 0),
        (b"1\na\r\n" + END, [400], 0),
        (b"1" + b";" * 5000 + b"\r\na\r\n" + END, [400], 0),
        (b"3\r\nabcd\r\n" + END, [400], 0),
        (b"0\r\n" + b"a: b\r\n" * 200 + b"\r\n", [400], 0),
    ],
)
def test_chunks_are_read_and_what_is_none_ends_the_connection(receiver, body, statuses, received):
    """A body in chunks is taken like any other; where its end is not known, nothing after it is taken for a request."""
    assert (_raw(receiver, body), len(receiver.spans)) == (statuses, received)


def test_a_client_that_does_not_know_its_length_is_served(receiver):
    """An HTTP client that sends as it goes uses chunks, and one connection for all that it sends."""
    connection = http.client.HTTPConnection("127.0.0.1", _port(receiver), timeout=5)
    statuses = []
    for name in ("a", "b"):
        body = protobuf(name)
        connection.request("POST", "/v1/traces", iter([body[:9], body[9:]]), {"Content-Type": PROTOBUF})
        with connection.getresponse() as answer:
            statuses.append((answer.status, answer.read()))
    connection.close()
    assert (statuses, [span.name for span in receiver.spans]) == ([(200, b"")] * 2, ["a", "b"])


def test_no_more_chunks_are_read_than_asked_for():
    """A body without end is refused once it is longer than its reader takes, and not followed much further."""
    headers = message_from_string("Transfer-Encoding: chunked\n\n")
    stream = io.BytesIO(_chunk(bytes(1000)) * 100_000)
    body = RequestBody("POST", headers, stream)
    with pytest.raises(RequestError, match="413: the body is over 1500 bytes"):
        body.read(1500)
    assert (stream.tell() < 3000, body.discard(), stream.tell() < MAX_DISCARD * 1.1) == (True, False, True)


def test_chunks_without_end_are_not_waited_for(receiver):
    """Who breaks off in the middle of a chunk is refused."""
    with socket.create_connection(("127.0.0.1", _port(receiver)), timeout=5) as connection:
        connection.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n")
        connection.sendall(b"Content-Type: application/json\r\n\r\nff\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_connection_outlives_a_refusal(receiver):
    """One bad request does not cost the good ones that follow on its connection."""
    connection = http.client.HTTPConnection("127.0.0.1", _port(receiver), timeout=5)
    statuses = [_send(connection, request("a"), path) for path in ("/v1/metrics", "/v1/traces")]
    connection.close()
    assert statuses == [404, 200]


def test_the_oldest_spans_go_first_and_are_counted():
    """Memory is bounded, and what was let go is known."""
    with Receiver(max_spans=3) as receiver:
        for names in ("ab", "cd", "efghi"):
            post(_port(receiver), "/v1/traces", request(*names))
        assert ([span.name for span in receiver.spans], receiver.dropped) == (["g", "h", "i"], 6)


def test_waiting_ends_when_the_spans_are_there(receiver):
    """wait_for() returns as soon as its predicate holds, and says how many came where it never does."""
    late = threading.Timer(0.1, post, (_port(receiver), "/v1/traces", request("a", "b")))
    late.start()
    found = receiver.wait_for(lambda spans: len(spans) == 2, timeout=10)
    late.join()

    assert [span.name for span in found] == ["a", "b"]
    with pytest.raises(TimeoutError, match="2 spans have arrived"):
        receiver.wait_for(lambda spans: len(spans) == 3, timeout=0.05)


def test_many_senders_at_once_lose_nothing(receiver):
    """Every request that was answered is there, whoever else was sending."""
    bodies = [request(f"{number}-a", f"{number}-b") for number in range(40)]
    senders = [threading.Thread(target=post, args=(_port(receiver), "/v1/traces", body)) for body in bodies]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(span.name for span in receiver.spans) == sorted(
        f"{number}-{letter}" for number in range(40) for letter in "ab"
    )


def test_a_stopped_receiver_keeps_its_spans_and_answers_nobody():
    """stop() closes open connections too, twice is once, and the same port can be opened again."""
    receiver = Receiver()
    receiver.start()
    port = _port(receiver)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    _send(connection, request("a"))
    receiver.stop()
    receiver.stop()

    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        _send(connection, request("b"))
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        post(port, "/v1/traces", request("c"))
    with Receiver(port) as again:
        assert again.endpoint == f"http://127.0.0.1:{port}"
    assert [span.name for span in receiver.spans] == ["a"]
