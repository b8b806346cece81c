"""What the decorators are given: fields, what is recorded, and names that nobody takes."""

import asyncio
import dataclasses
import inspect
import json

import pytest
from fastapi import FastAPI, Request
from opentelemetry import trace as otel
from opentelemetry.trace import SpanKind
from starlette.testclient import TestClient

import _future_endpoints as endpoints
import langwatch_otel as langwatch
from langwatch_otel import options
from langwatch_otel.fields import FIELDS
from langwatch_otel.recording import INERT
from langwatch_otel.tracers import choose


@pytest.fixture
def traced(traced):
    choose(traced.provider)
    yield traced
    choose(None)


@dataclasses.dataclass
class Message:
    thread: object
    also: object = None


class Unknown:
    def __repr__(self):
        raise AssertionError


class Mine(Request):
    """A request of the application's own kind."""


HEADERS = [(b"x-thread", b"t")]
REQUEST = {"type": "http", "headers": HEADERS, "query_string": b"thread=t", "path": "/", "state": {}}


@pytest.mark.parametrize(
    ("field", "value", "thread"),
    [
        ("t", None, "t"),
        (langwatch.arg("value"), "t", "t"),
        (langwatch.arg("value"), 7, "7"),
        (langwatch.arg("value.thread"), Message("t"), "t"),
        (langwatch.arg("value.a.b.0.c"), {"a": {"b": [{"c": "t"}]}}, "t"),
        (langwatch.arg("value.-1.thread"), (Message("s"), Message("t")), "t"),
        (langwatch.arg("value.a.b.3.c"), {"a": {"b": [{"c": "t"}]}}, None),
        (langwatch.arg("value.missing.c"), Message("t"), None),
        (langwatch.arg("value.0"), "text", None),
        (langwatch.arg("nothing"), "t", None),
        (langwatch.arg("named"), "t", "default"),
        (langwatch.arg("rest.1"), "t", None),
        (langwatch.arg("value.headers.x-thread"), Request(REQUEST), "t"),
        (langwatch.arg("value.query_params.thread"), Mine(REQUEST), "t"),
        (langwatch.arg("value.nothing.id"), Request(REQUEST), None),
        (lambda value, **_: value.upper(), "t", "T"),
        ("", "t", None),
    ],
)
def test_a_field_is_a_value_a_path_or_a_callable(traced, field, value, thread):
    """A path takes attributes, keys and indexes; what is missing gives nothing and breaks nothing."""

    @langwatch.trace(name="as field", thread_id=field)
    @langwatch.trace(name="as metadata", metadata={"threadId": field})
    def function(value, *rest, named="default", **more):
        return value

    assert function(value) is value
    assert traced.threads() == {"as field": thread, "as metadata": thread}


@pytest.mark.parametrize("field", [lambda value: 1 / 0, lambda: "t", langwatch.arg("value.user.id")])
def test_a_field_that_fails_is_left_out(traced, said, field):
    """A callable or a property that raises breaks nothing, and is logged once without what it said."""

    @langwatch.trace(name="it", thread_id=field, user_id="u")
    def function(value):
        return langwatch.get_conversation()

    found = [function(Request(REQUEST)) for _ in range(2)]
    assert found == [langwatch.Conversation(user_id="u")] * 2
    ((reason, _, error),) = [line.rpartition(" ") for line in said()]
    assert reason == "langwatch_otel failed while taking a field from a call's arguments:"
    assert error in ("ZeroDivisionError", "TypeError", "AssertionError")


@pytest.mark.parametrize("path", ["", "a..b", ".a", 3])
def test_a_path_that_is_none_is_refused(path):
    """arg() takes names joined by dots, and says what it got."""
    with pytest.raises(ValueError, match="takes names joined by dots"):
        langwatch.arg(path)


def recorded(traced):
    ((_, attributes),) = traced.spans().items()
    return {key: attributes.get(f"{key}.value") for key in ("input", "output")}


@pytest.mark.parametrize("taken", [None, True, False])
@pytest.mark.parametrize("returned", [None, True, False])
def test_input_and_output_are_recorded_one_without_the_other(traced, taken, returned):
    """Each is recorded where it was asked for, and only there."""
    decorate = langwatch.span(capture_input=taken, capture_output=returned)
    assert decorate(lambda question, times=2: question * times)("a") == "aa"
    assert recorded(traced) == {
        "input": '{"question": "a", "times": 2}' if taken else None,
        "output": "aa" if returned else None,
    }


def test_objects_of_frameworks_and_unknown_ones_are_never_recorded(traced):
    """Requests, also of one's own kind, are left out; unknown ones are their type's name."""

    @langwatch.trace(capture_input=True, capture_output=True)
    def function(request, mine, unknown, message, *rest, **more):
        return unknown

    function(Request(REQUEST), Mine(REQUEST), Unknown(), Message("t", Mine(REQUEST)), Mine(REQUEST), key=Unknown())
    shown = {"unknown": "<Unknown>", "message": {"thread": "t", "also": "<Mine>"}, "rest": ["<Mine>"]}
    found = recorded(traced)
    assert json.loads(found["input"]) == {**shown, "key": "<Unknown>"}
    assert json.loads(found["output"]) == "<Unknown>"


def test_fields_given_to_a_span_name_a_scope_of_its_own(traced):
    """`span(thread_id=...)` names the span and what runs in it, and is over with it."""
    with langwatch.trace(name="trace", user_id="u"):
        with langwatch.span(name="span", thread_id="t") as span, traced.span("inside"):
            span.update(model="m")
            assert langwatch.get_conversation() == langwatch.Conversation("t", "u")
        with langwatch.span(name="beside"):
            assert langwatch.get_conversation() == langwatch.Conversation(None, "u")
    assert traced.threads() == {"trace": "t", "span": "t", "inside": "t", "beside": None}


@pytest.mark.parametrize("handle", [langwatch.get_current_span, langwatch.get_current_trace, otel.get_current_span])
def test_a_span_may_be_told_its_parent(traced, handle):
    """`parent=` takes a handle or an OpenTelemetry span, and brings that one's conversation."""
    with langwatch.trace(name="parent", thread_id="t"):
        parent = handle()
        context = otel.get_current_span().get_span_context()
    with traced.trace(name="elsewhere", thread_id="other"), langwatch.span(name="child", parent=parent):
        assert langwatch.get_conversation().thread_id == "t"
    with langwatch.span(name="remote", span_context=context, start_time=1, kind=SpanKind.CLIENT):
        pass
    assert traced.threads() == {"parent": "t", "elsewhere": "other", "child": "t", "remote": None}
    finished = {span.name: span for span in traced.exporter.get_finished_spans()}
    assert {finished[name].parent.span_id for name in ("child", "remote")} == {context.span_id}
    assert (finished["remote"].start_time, finished["remote"].kind) == (1, SpanKind.CLIENT)


def test_a_parent_that_is_none_is_refused(traced, said):
    """A parent that is no span is logged, and the current span is the parent."""
    with langwatch.span(name="outer"), langwatch.span(name="inner", parent="nothing"):
        pass
    assert set(traced.spans()) == {"outer", "inner"}
    assert said() == ["parent= refused: it is a span, got str"]


@pytest.mark.parametrize("name", ["trace", "span", "conversation"])
def test_an_unknown_argument_is_an_error_that_names_the_known(name):
    """A misspelt argument is refused where it stands, with all that would do."""
    decorate, allowed = getattr(langwatch, name), options.names_of(getattr(options, f"{name.title()}Options"))
    known = ", ".join(sorted(allowed))
    with pytest.raises(TypeError) as caught:
        decorate(thread="t", threadid="t") if name != "span" else decorate(threads="t", threadid="t")
    bad = "threadid, threads" if name == "span" else "thread, threadid"
    assert str(caught.value) == f"{name}() does not take {bad}; it takes {known}"
    assert set(FIELDS) < set(allowed)


def test_arguments_of_the_langwatch_sdk_are_taken(traced, said):
    """What only LangWatch's server could use does nothing and is logged once; the rest is recorded."""
    inert = (*INERT, "skip_root_span")
    for _ in range(2):
        with langwatch.trace(name="it", model="m", input="in", output="out", **dict.fromkeys(inert, "x")):
            pass
        with langwatch.span(name="it", trace=langwatch.get_current_trace(), ignore_missing_trace_warning=True):
            pass
    assert said() == [f"{name}= does nothing here: it needs LangWatch's own server or client" for name in inert]
    traced.provider.force_flush()
    wanted = {"gen_ai.request.model": "m", "input.value": "in", "output.value": "out"}
    assert wanted.items() <= dict(traced.exporter.get_finished_spans()[0].attributes).items()


def test_fastapi_reads_annotations_that_are_text(traced):
    """Body models, requests, dependencies and status codes work below decorators where annotations are text."""
    app = FastAPI()
    app.include_router(endpoints.router)
    with TestClient(app) as client:
        asked = {"json": {"thread_id": "t", "text": "hello"}, "headers": {"x-thread": "h"}}
        answers = [client.post(path, **asked).json() for path in ("/answer", "/sync?many=2")]
        statuses = [client.get(f"/missing/{status}").status_code for status in (404, 503)]
    assert answers == [{"text": "hello", "path": "/answer", "hidden": "Secret"}, "hellohello"]
    assert statuses == [404, 503]
    traced.provider.force_flush()
    answer, sync, missing, broken = traced.exporter.get_finished_spans()
    question = {"thread_id": "t", "text": "hello"}
    assert json.loads(answer.attributes["input.value"]) == {"question": question}
    assert json.loads(sync.attributes["input.value"]) == {"question": question, "many": 2}
    assert [span.attributes["session.id"] for span in (answer, sync)] == ["t", "h"]
    assert [span.status.is_ok for span in (missing, broken)] == [True, False]


def test_annotations_for_type_checkers_alone_hide_nothing_else(traced):
    """One annotation that cannot be resolved does not stop the others from being understood."""
    decorated = langwatch.span(capture_input=True)(endpoints.numbers)
    parameters = inspect.signature(decorated).parameters
    assert parameters["hidden"].annotation.__metadata__[0].dependency is endpoints.secret
    assert parameters["unknown"].annotation == "AsyncIterator[int]"
    assert asyncio.run(decorated(endpoints.Secret(), 1)) == 1
    assert recorded(traced)["input"] == '{"unknown": 1}'
