"""OTLP bytes, decoded without a socket."""

import gzip
import json
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from _otlp import JSON, PROTOBUF, protobuf, request
from langwatch_otel.workbench import otlp
from langwatch_otel.workbench.otlp import MAX_BODY
from langwatch_otel.workbench.receiver import ReceivedEvent, ReceivedLink, ReceivedSpan, RequestError, decode

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
PARENT_ID = "eee19b7ec3c1b173"

# After the example in the OTLP specification, with every kind of value.
WRITTEN = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
            "scopeSpans": [
                {
                    "scope": {"name": "my.library", "version": "1.0.0"},
                    "spans": [
                        {
                            "traceId": TRACE_ID,
                            "spanId": SPAN_ID,
                            "parentSpanId": PARENT_ID.upper(),
                            "name": "I'm a server span",
                            "startTimeUnixNano": "1544712660000000000",
                            "endTimeUnixNano": 1544712661000000000,
                            "kind": 2,
                            "status": {"code": 2, "message": "no"},
                            "aFieldOfTomorrow": {"a": [1]},
                            "attributes": [
                                {"key": "text", "value": {"stringValue": "京都 🍵"}},
                                {"key": "yes", "value": {"boolValue": True}},
                                {"key": "big", "value": {"intValue": "9007199254740993"}},
                                {"key": "small", "value": {"intValue": 7}},
                                {"key": "half", "value": {"doubleValue": 0.5}},
                                {"key": "raw", "value": {"bytesValue": "AP8="}},
                                {"key": "none", "value": {}},
                                {
                                    "key": "list",
                                    "value": {"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "b"}]}},
                                },
                                {
                                    "key": "map",
                                    "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}},
                                },
                            ],
                            "events": [
                                {
                                    "timeUnixNano": "1544712660500000000",
                                    "name": "said",
                                    "attributes": [{"key": "n", "value": {"intValue": "1"}}],
                                }
                            ],
                            "links": [{"traceId": TRACE_ID, "spanId": PARENT_ID}],
                        }
                    ],
                }
            ],
        }
    ]
}
READ = ReceivedSpan(
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    parent_span_id=PARENT_ID,
    name="I'm a server span",
    kind="SERVER",
    start_ns=1544712660000000000,
    end_ns=1544712661000000000,
    status="ERROR",
    attributes={
        "text": "京都 🍵",
        "yes": True,
        "big": 9007199254740993,
        "small": 7,
        "half": 0.5,
        "raw": b"\x00\xff",
        "none": None,
        "list": [1, "b"],
        "map": {"k": 1},
    },
    events=(ReceivedEvent("said", 1544712660500000000, {"n": 1}),),
    links=(ReceivedLink(TRACE_ID, PARENT_ID),),
    scope_name="my.library",
    resource={"service.name": "my.service"},
)


def _status(body, content_type, encoding=""):
    try:
        decode(body, content_type, encoding)
    except RequestError as refused:
        return refused.status
    return 200


def test_json_is_read_as_the_specification_writes_it():
    """Hex ids, numbers as strings, enums as numbers and unknown fields all come out as plain values."""
    assert decode(json.dumps(WRITTEN).encode(), "application/json; charset=utf-8") == [READ]


def test_spans_share_the_strings_of_their_keys_and_a_stranger_s_are_let_go(monkeypatch):
    """One string stands for a key on all spans; of endless new ones the interpreter keeps so many, and no long one."""
    keys = ["a" * otlp.MAX_KEY, "a" * (otlp.MAX_KEY + 1), *(f"stranger's {number}" for number in range(9))]
    pairs = [{"key": key, "value": {"boolValue": True}} for key in keys]
    monkeypatch.setattr(otlp, "_KEYS", otlp._Shared())
    monkeypatch.setattr(otlp, "MAX_KEYS", 4)
    body = json.dumps(request("a", "b", attributes=pairs)).encode()
    one, other = (list(span.attributes) for span in decode(body, JSON))
    assert one == other == keys
    shared = [keys[0], *keys[2:5]]
    assert [key for key, same in zip(one, other, strict=True) if key is same] == shared
    assert [key for key in keys if sys.intern(copy := "".join(list(key))) is not copy] == shared


def test_json_and_protobuf_of_one_request_are_the_same_spans():
    """The encoding that a sender chose leaves no mark on its spans."""
    as_json = decode(json.dumps(request("a", "b")).encode(), JSON)
    assert as_json == decode(protobuf("a", "b"), PROTOBUF)


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "status"),
    [
        (b"\xff\xff", PROTOBUF, "", 400),
        (b"{", JSON, "", 400),
        (b"\xff\xfe\xfd", JSON, "", 400),
        (b"[]", JSON, "", 400),
        (b"null", JSON, "", 400),
        (json.dumps(request("\ud800")).encode(), JSON, "", 400),
        (b'{"resourceSpans": 7}', JSON, "", 400),
        (b"[" * 100_000, JSON, "", 400),
        (json.dumps(request("a", traceId="no hex")).encode(), JSON, "", 400),
        (json.dumps(request("a", traceId=7)).encode(), JSON, "", 400),
        (json.dumps(request("a", traceId="00")).encode(), JSON, "", 400),
        (json.dumps(request("a", startTimeUnixNano="9" * 30)).encode(), JSON, "", 400),
        (b"not gzip", PROTOBUF, "gzip", 400),
        (gzip.compress(protobuf("a"), mtime=0)[:-9], PROTOBUF, "gzip", 400),
        (gzip.compress(bytes(MAX_BODY + 1), mtime=0), PROTOBUF, "gzip", 413),
        (bytes(MAX_BODY + 1), PROTOBUF, "", 413),
        (b"", "text/plain", "", 415),
        (b"", "", "", 415),
        (b"", PROTOBUF, "br", 415),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_http_status(body, content_type, encoding, status):
    """A request is read whole or answered with the status that tells its sender why not."""
    assert _status(body, content_type, encoding) == status


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "resourceSpans",
                        "scopeSpans",
                        "spans",
                        "traceId",
                        "spanId",
                        "attributes",
                        "key",
                        "value",
                        "kind",
                        "arrayValue",
                        "values",
                        "bytesValue",
                        "status",
                        "events",
                        "startTimeUnixNano",
                        "resource",
                    ]
                ),
                inner,
            )
        ),
    )
)
@example({"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": "\ud800"}]}]}]})
@example({"resourceSpans": [{"\ud800": 1}]})
def test_no_json_brings_the_decoder_down(found):
    """Whatever JSON a stranger sends is spans or a refusal, never another error."""
    assert _status(json.dumps(found).encode(), JSON) in (200, 400)


@given(st.binary())
def test_no_bytes_bring_the_decoder_down(body):
    """Whatever bytes a stranger sends are spans or a refusal, never another error."""
    for content_type, encoding in ((PROTOBUF, ""), (PROTOBUF, "gzip"), (JSON, "")):
        assert _status(body, content_type, encoding) in (200, 400)
