"""What a source means, without a framework."""

import json
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langwatch_otel import ConfigurationError, config
from langwatch_otel.sources import KINDS, MAX_BODY, Request, Source, believed, first_of, is_json, parse, parsed

TAKES = "header:NAME, path:NAME, query:NAME, cookie:NAME or body:JSON.PATH, several by comma"


def found(text, **known):
    """What the sources of `text` give for a request of which this is known."""
    return first_of(parse("thread_id_from", text), Request(**known))[0]


def test_sources_are_read_from_a_string_or_a_list():
    """A string by comma, a list and a tuple say the same; blanks and repetitions count for nothing."""
    meant = (Source("header", "x-thread-id"), Source("body", "a.0.id", ("a", "0", "id")), Source("path", "Name"))
    assert parse("thread_id_from", " Header: X-Thread-Id ,, body:a.0.id,path:Name, path:Name,") == meant
    assert parse("thread_id_from", ["header:x-thread-id", "body:a.0.id", "path:Name"]) == meant
    assert parse("thread_id_from", meant) == meant
    assert parse("thread_id_from", "") == parse("thread_id_from", []) == ()


def test_sources_come_from_the_environment(monkeypatch):
    """`OTEL_LANGWATCH_THREAD_ID_FROM` is the setting."""
    monkeypatch.setenv("OTEL_LANGWATCH_THREAD_ID_FROM", "header:x-thread-id,body:thread_id")
    meant = (Source("header", "x-thread-id"), Source("body", "thread_id", ("thread_id",)))
    assert config.read({}).thread_id_from == meant


@pytest.mark.parametrize(
    ("value", "shown", "more"),
    [
        ("heder:x", "heder:x", " (did you mean header:?)"),
        ("body", "body", ""),
        ("body:", "body:", ""),
        ("body:a..b", "body:a..b", ""),
        ("x-thread-id", "x-thread-id", ""),
        ("query:t,cokie:c", "cokie:c", " (did you mean cookie:?)"),
        ("header:a b", "header:a b", ""),
        ("cookie:a;b", "cookie:a;b", ""),
        (7, 7, ""),
        ([7], [7], ""),
        ({"header": "x"}, {"header": "x"}, ""),
    ],
)
def test_a_wrong_source_is_refused(value, shown, more):
    """The error names the setting, the source, what it takes, and the kind that was likely meant."""
    with pytest.raises(ConfigurationError) as caught:
        config.read({"user_id_from": value})
    assert str(caught.value) == f"setting 'user_id_from' takes {TAKES}{more}, got {shown!r}"


@pytest.mark.parametrize(
    ("source", "known", "value"),
    [
        ("header:X-T", {"headers": [(b"x-T", b" t ")]}, "t"),
        ("header:x-t", {"headers": [(b"x-t", "é".encode())]}, "é"),
        ("header:x-t", {"headers": [(b"x-t", b"\xe9")]}, None),
        ("header:x-t", {"headers": [(b"x-t", b"a"), (b"X-T", b"a")]}, "a"),
        ("header:x-t", {"headers": [(b"x-t", b"a"), (b"x-t", b"b")]}, None),
        ("header:x-t", {"headers": [(b"x-tt", b"a")]}, None),
        ("cookie:t", {"headers": [(b"Cookie", b'a=b; t="x=y"; c')]}, "x=y"),
        ("cookie:t", {"headers": [(b"cookie", b"tt=1"), (b"cookie", b" t = 2 ")]}, "2"),
        ("cookie:t", {"headers": [(b"cookie", b"t=1; t=2")]}, None),
        ("cookie:t", {"headers": [(b"cookie", b't="')]}, '"'),
        ("query:a b", {"query_string": b"x=1&a+b=%C3%A9+%2B"}, "é +"),
        ("query:t", {"query_string": b"%74=1"}, "1"),
        ("query:t", {"query_string": b"t=%ff"}, None),
        ("query:t", {"query_string": b"t=1&t=2"}, None),
        ("query:t", {"query_string": b"t&t="}, None),
        ("path:t", {"path_params": {"t": "1"}}, "1"),
        ("path:t", {"path_params": {"t": uuid.UUID(int=7)}}, str(uuid.UUID(int=7))),
        ("path:t", {"path_params": {"t": object()}}, None),
        ("body:a.1.b", {"body": {"a": [0, {"b": "x"}]}}, "x"),
        ("body:a.b", {"body": {"a": [0]}}, None),
        ("body:a.-1", {"body": {"a": ["x"]}}, None),
        ("body:a.9999999999999", {"body": {"a": ["x"]}}, None),
        ("body:0", {"body": ["x"]}, "x"),
        ("body:0", {"body": {"0": 5}}, 5),
        ("body:t", {"body": {"t": False}}, None),
        ("body:t", {"body": {"t": 1.0}}, None),
        ("body:t", {"body": "t"}, None),
    ],
)
def test_a_value_is_found_where_the_source_says(source, known, value):
    """Each kind reads its own place, and gives nothing that is not an id in UTF-8, said once."""
    assert found(source, **known) == value


def test_a_better_source_that_may_still_come_is_waited_for():
    """What is not known yet stops the search; what is known and empty does not."""
    sources = parse("thread_id_from", "body:t,query:t")
    assert first_of(sources, Request(query_string=b"t=1", known={"query"})) == (None, sources)
    assert first_of(sources[::-1], Request(query_string=b"u=1", known={"query"})) == (None, sources[:1])
    assert first_of(sources, Request(query_string=b"t=1", known={"query", "body"})) == ("1", ())
    assert first_of(sources, Request(known=KINDS)) == (None, ())


@pytest.mark.parametrize(
    ("headers", "looked_at"),
    [
        ({b"Content-Type": b"application/json"}, True),
        ({b"content-type": b"Application/JSON; charset=utf-8", b"content-length": b"65536"}, True),
        ({b"content-type": b"application/vnd.api+json"}, True),
        ({b"content-type": b"application/json", b"content-length": b"65537"}, False),
        ({b"content-type": b"application/json", b"content-length": b"-1"}, False),
        ({b"content-type": b"application/json", b"content-length": b"9" * 5000}, False),
        ({b"content-type": b"text/json"}, False),
        ({b"content-type": b"application/jsonl"}, False),
        ({}, False),
    ],
)
def test_a_body_is_looked_at_by_its_headers(headers, looked_at):
    """JSON of at most 64 KiB, as far as the headers tell."""
    assert is_json(headers.items()) is looked_at
    assert MAX_BODY == 65536


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.text())
def test_any_text_is_a_setting_or_a_configuration_error(text):
    """Nothing else is raised, and what is taken can be written again."""
    try:
        sources = parse("thread_id_from", text)
    except ConfigurationError:
        return
    again = ",".join(f"{source.kind}:{source.name}" for source in sources)
    assert parse("thread_id_from", again) == sources


@given(st.binary(max_size=200))
@example(b'{"t": ' + b"[" * 100_000)
@example(b"9" * 10_000)
def test_any_bytes_are_json_or_nothing(raw):
    """No body makes an error."""
    body = parsed(raw)
    assert believed(body) is None or type(body) in (str, int)
    assert found("body:t.a", body=body, raw=raw) is None or isinstance(body, dict)


@given(json_values, st.booleans())
def test_what_json_says_is_found_or_is_no_id(value, ascii_only):
    """The value at the path comes back as it is, stripped, where an id can be that."""
    raw = json.dumps({"t": {"é": value}}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    got = found("body:t.é", body=parsed(raw), raw=raw)
    assert got == believed(value)
    assert got is None or got == (value.strip() if isinstance(value, str) else value)


@given(
    st.lists(st.tuples(st.sampled_from([b"cookie", b"X-T", b"other"]), st.binary(max_size=20)), max_size=4),
    st.binary(max_size=40),
)
def test_any_headers_and_query_give_an_id_or_nothing(headers, query):
    """No bytes make an error, and no id has a control character or an outer space."""
    for source in ("header:x-t", "cookie:t", "query:t"):
        value = found(source, headers=headers, query_string=query)
        assert value is None or (value == value.strip() != "" and not any(ord(each) < 32 for each in value))


@given(st.lists(st.tuples(st.sampled_from(["t", "u", "\\u0074"]), st.sampled_from(['"a"', '"b"', "1"])), max_size=4))
def test_a_key_that_is_said_twice_names_nobody(pairs):
    """However the key is spelled, and wherever the second one stands."""
    raw = ("{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}").encode()
    said = [value for key, value in pairs if key != "u"]
    assert found("body:t", body=parsed(raw), raw=raw) == (json.loads(said[0]) if len(said) == 1 else None)
