"""The arguments of the LangWatch SDK's functions: for each that works, what to give and what the span then is."""

import json
from contextlib import suppress

from opentelemetry import trace as otel
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags

import langwatch_otel as langwatch

ELSEWHERE = SpanContext(trace_id=7, span_id=8, is_remote=True, trace_flags=TraceFlags(1))


def attribute(key, value):
    """A check: the span has the attribute."""
    return lambda span: span.attributes.get(key) == value


def failed(status, events):
    """A check: the span's status, and how many exceptions it recorded."""
    return lambda span: (span.status.status_code, len(span.events)) == (status, events)


def metrics(span):
    """A check: metrics as LangWatch reads them, and as every backend does."""
    return (
        json.loads(span.attributes["langwatch.metrics"]) == {"prompt_tokens": 3}
        and span.attributes["gen_ai.usage.input_tokens"] == 3
    )


# What update() takes: (what is given, what the span then is).
UPDATES = {
    "name": ("a name", lambda span: span.name == "a name"),
    "type": ("tool", attribute("langwatch.span.type", "tool")),
    "input": ({"a": 1}, attribute("input.value", '{"a": 1}')),
    "output": ("yes", attribute("output.value", "yes")),
    "error": (ValueError("no"), failed(StatusCode.ERROR, 1)),
    "timestamps": ({"started_at": 1}, attribute("langwatch.timestamps", '{"started_at": 1}')),
    "contexts": (["a page"], attribute("langwatch.rag_contexts", '[{"content": "a page"}]')),
    "model": ("gpt-4.1", attribute("gen_ai.request.model", "gpt-4.1")),
    "params": ({"temperature": 0}, attribute("langwatch.params", '{"temperature": 0}')),
    "metrics": ({"prompt_tokens": 3}, metrics),
}
NAMED = ({"thread_id": "t1"}, attribute("session.id", "t1"))
OTHER = (5, attribute("**kwargs", 5))
BOTH = {
    **UPDATES,
    "capture_input": (True, attribute("input.value", '{"question": "why"}')),
    "capture_output": (True, attribute("output.value", "because")),
}

# Arguments: by where they are given, what to give and what the span then is.
ARGUMENTS = {
    "trace()": {
        **BOTH,
        "metadata": NAMED,
    },
    "span()": {
        **BOTH,
        "attributes": ({"a": 1}, attribute("a", 1)),
        "ignore_missing_trace_warning": (True, lambda span: span.name == "answer"),
        "kind": (SpanKind.CLIENT, lambda span: span.kind is SpanKind.CLIENT),
        "links": ([Link(ELSEWHERE)], lambda span: [link.context for link in span.links] == [ELSEWHERE]),
        "parent": (otel.NonRecordingSpan(ELSEWHERE), lambda span: span.parent == ELSEWHERE),
        "record_exception": (False, failed(StatusCode.ERROR, 0)),
        "set_status_on_exception": (False, failed(StatusCode.UNSET, 1)),
        "span_context": (ELSEWHERE, lambda span: span.parent == ELSEWHERE),
        "start_time": (5, lambda span: span.start_time == 5),
        "trace": (langwatch.get_current_trace(), lambda span: span.name == "answer"),
    },
    "Trace.update()": {**UPDATES, "metadata": NAMED},
    "Span.update()": {**UPDATES, "**kwargs": OTHER},
    "Span.end()": {**UPDATES, "**kwargs": OTHER, "end_time": (2**62, lambda span: span.end_time == 2**62)},
}


def give(where, name, value):
    """Run one call, one turn or one span that is given `value` as the argument `name`."""
    if where in ("trace()", "span()"):
        kind = langwatch.trace if where == "trace()" else langwatch.span

        @kind(**{name: value})
        def answer(question):
            if name in ("record_exception", "set_status_on_exception"):
                raise LookupError
            return "because"

        with suppress(LookupError):
            answer("why")
    elif where == "Trace.update()":
        with langwatch.trace() as turn:
            turn.update(**{name: value})
    else:
        with langwatch.span() as span:
            (span.update if where == "Span.update()" else span.end)(**{name: value})
