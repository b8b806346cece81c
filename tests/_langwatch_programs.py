"""Little programs: one for each name of the LangWatch SDK that works here as it does there."""

import json
import subprocess
import sys

from _servers import clean_environment
from opentelemetry import trace as otel
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

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
        "tracer_provider": (None, None),
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

        try:
            answer("why")
        except LookupError:
            pass
    elif where == "Trace.update()":
        with langwatch.trace() as turn:
            turn.update(**{name: value})
    else:
        with langwatch.span() as span:
            (span.update if where == "Span.update()" else span.end)(**{name: value})


def _made_with(provider):
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter.get_finished_spans


def trace_with_provider():
    """A trace given a provider of its own is recorded by that one."""
    provider = TracerProvider(shutdown_on_exit=False)
    finished = _made_with(provider)
    with langwatch.trace(name="own", tracer_provider=provider):
        pass
    return [span.name for span in finished()] == ["own"]


def handle(method, *args, check, **kwargs):
    """A program: call the method of the current span's handle, and look at the span afterwards."""

    def program(recorder):
        with langwatch.span(name="one") as span:
            getattr(span, method)(*args, **kwargs)
        return check(recorder.spans[-1])

    return program


def read(name, expected):
    """A program: read an attribute of a span's handle."""

    def program(recorder):
        given = {"type": "tool", "kind": SpanKind.CLIENT, "attributes": {"a": 1}, "start_time": 5}
        with langwatch.span(name="one", links=[Link(ELSEWHERE)], **given) as span:
            return expected(getattr(span, name))

    return program


def below(kind):
    """A program: a span made by a handle is the handle's child, and its decorator works."""

    def program(recorder):
        with kind(name="above") as above, above.span(name="below", type="tool"):
            pass
        lower, upper = recorder.spans
        return (lower.parent.span_id, lower.name) == (upper.context.span_id, "below")

    return program


def current(recorder):
    """get_current_trace() and get_current_span() are the trace and the span that were entered."""
    with langwatch.trace() as turn, langwatch.span() as span:
        found = langwatch.get_current_trace(suppress_warning=True)
        return found.trace_id == turn.trace_id and langwatch.get_current_span().otel is span.otel


def traced(recorder):
    """trace() and span() are decorators with and without parentheses, and blocks."""

    @langwatch.trace
    def turn():
        with langwatch.span(name="inner"):
            return "done"

    return turn() == "done" and len(recorder.spans) == 2


def metadata(recorder):
    """The metadata is what was given, ids too, and giving it is update()."""
    with langwatch.trace(metadata={"thread_id": "t1", "plan": "free"}) as turn:
        turn.metadata = {"labels": ["new"]}
        expected = {"thread_id": "t1", "plan": "free", "labels": ["new"]}
        return turn.metadata == expected == langwatch.get_current_trace().metadata


def root_span(recorder):
    """The root span is the trace's own, wherever it is asked for."""
    with langwatch.trace(name="turn") as turn, langwatch.span():
        return turn.root_span.name == langwatch.get_current_trace().root_span.name == "turn"


def trace_id(recorder):
    """The trace id is the one that is exported."""
    with langwatch.trace() as turn:
        pass
    return turn.trace_id == otel.format_trace_id(recorder.spans[0].context.trace_id)


def tracer(recorder):
    """The tracer makes spans below the current one."""
    with langwatch.trace() as turn, turn.tracer.start_as_current_span("one"):
        pass
    return recorder.spans[0].parent.span_id == recorder.spans[1].context.span_id


def of_trace(recorder):
    """A span's trace is the turn that it is in."""
    with langwatch.trace(thread_id="t1") as turn, langwatch.span() as span:
        return (span.trace.trace_id, span.trace.conversation.thread_id) == (turn.trace_id, "t1")


def wrapped(recorder):
    """A wrapped OpenTelemetry span is updated by its handle."""
    with recorder.tracer.start_as_current_span("theirs") as span:
        langwatch.get_current_span().wrap_otel_span(span).update(model="m")
    return recorder.by_name["theirs"]["gen_ai.request.model"] == "m"


def _is(value):
    return lambda found: found == value


PROGRAMS = {
    "langwatch": {
        "get_current_span": current,
        "get_current_trace": current,
        "span": traced,
        "trace": traced,
    },
    "Trace": {
        "metadata": metadata,
        "root_span": root_span,
        "span": below(langwatch.trace),
        "trace_id": trace_id,
        "tracer": tracer,
        "update": lambda recorder: True,  # Each of its arguments has a program of its own.
    },
    "Span": {
        "add_event": handle("add_event", "done", {"a": 1}, check=lambda span: span.events[0].name == "done"),
        "add_link": handle("add_link", ELSEWHERE, check=lambda span: span.links[0].context == ELSEWHERE),
        "attributes": read("attributes", lambda found: found["a"] == 1),
        "end": handle("end", check=lambda span: span.name == "one"),
        "get_span_context": read("get_span_context", lambda context: context().is_valid),
        "is_recording": read("is_recording", lambda recording: recording() is True),
        "kind": read("kind", _is(SpanKind.CLIENT)),
        "links": read("links", lambda links: links[0].context == ELSEWHERE),
        "name": read("name", _is("one")),
        "record_error": handle("record_error", ValueError(), check=failed(StatusCode.ERROR, 1)),
        "record_exception": handle("record_exception", ValueError(), check=failed(StatusCode.UNSET, 1)),
        "set_attributes": handle("set_attributes", {"a": 1}, check=attribute("a", 1)),
        "set_status": handle("set_status", Status(StatusCode.ERROR, "no"), check=failed(StatusCode.ERROR, 0)),
        "span": below(langwatch.span),
        "start_time": read("start_time", _is(5)),
        "trace": of_trace,
        "type": read("type", _is("tool")),
        "update": lambda recorder: True,
        "update_name": handle("update_name", "two", check=lambda span: span.name == "two"),
        "wrap_otel_span": wrapped,
    },
    "get_current_trace()": {"suppress_warning": current},
}


class Instrumentor(BaseInstrumentor):
    """Stands in for an instrumentor that a program passes: says that it was turned on."""

    def instrumentation_dependencies(self):
        return ()

    def _instrument(self, **_):
        print("on")

    def _uninstrument(self, **_):
        pass


# What a program of its own prints, since setup() is for a whole process. {url} is LangWatch's stand-in.
PROCESSES = {
    ("setup()", "api_key"): ("setup(endpoint_url='{url}', api_key='key')", "POST /api/otel/v1/traces Bearer key"),
    ("setup()", "endpoint_url"): ("setup(endpoint_url='{url}')", "POST /api/otel/v1/traces None"),
    ("setup()", "base_attributes"): ("print(setup(base_attributes={{'a': 1}}).resource.attributes['a'])", "1"),
    ("setup()", "tracer_provider"): (
        "from opentelemetry.sdk.trace import TracerProvider as P; p = P(); print(setup(tracer_provider=p) is p)",
        "True",
    ),
    ("setup()", "instrumentors"): ("setup(instrumentors=[programs.Instrumentor()])", "on"),
    ("setup()", "debug"): (
        "import logging; setup(debug=True); print(logging.getLogger('langwatch_otel').level)",
        "10",
    ),
    ("ensure_setup()", "api_key"): ("ensure_setup(); ensure_setup(api_key='key')", "POST /api/otel/v1/traces Bearer key"),
    ("langwatch", "setup"): ("setup()", "POST /v1/traces None"),
    ("langwatch", "ensure_setup"): ("ensure_setup(); print(hasattr(provider(), 'add_span_processor'))", "False"),
    ("Trace", "send_spans"): (
        "setup(); t = langwatch.trace(); t.__enter__(); langwatch.span().__enter__().end(); "
        "langwatch.get_current_trace().send_spans(); requests.wait(1); os._exit(0)",
        "POST /v1/traces None",
    ),
}
