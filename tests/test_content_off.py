"""Where content is off no text comes from our spans, whatever the code asks for."""

import logging
import subprocess
import sys

import pytest
from opentelemetry.trace import StatusCode

import langwatch_otel as langwatch
from _clients import model_calls
from _recorder import recording
from _servers import clean_environment
from langwatch_otel.workbench.receiver import Receiver

TEXT = "something private"

OFF = {
    "setting": ({"capture_content": False}, {}),
    "variable": ({}, {"OTEL_LANGWATCH_CAPTURE_CONTENT": "false"}),
    "traceloop": ({"capture_content": True}, {"TRACELOOP_TRACE_CONTENT": "false"}),
    "genai": ({"capture_content": True}, {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT"}),
}


def everything():
    """Ask for every text to be recorded, as code can."""

    @langwatch.trace(capture_input=True, capture_output=True, input=TEXT, contexts=[TEXT])
    def call(argument):
        langwatch.get_current_span().update(
            input=TEXT,
            output=TEXT,
            contexts=[TEXT],
            params={"stop": TEXT, "temperature": 0.5, TEXT: 1},
            metrics={"completion_tokens": 3, "note": TEXT, TEXT: 1},
            timestamps={"started_at": 1, "note": TEXT},
            asked=TEXT,
            counts={TEXT: 1},
            number=1,
            model="gpt",
        )
        return TEXT

    @langwatch.trace(capture_output=True)
    def stream():
        yield TEXT

    @langwatch.trace
    def fails():
        raise ValueError(TEXT)

    call(TEXT)
    list(stream())
    with pytest.raises(ValueError):
        fails()
    with langwatch.span(name="handle") as span:
        span.update(error=ValueError(TEXT))
        span.record_exception(KeyError(TEXT))
        span.set_status(StatusCode.ERROR, TEXT)


@pytest.mark.parametrize("way", OFF)
def test_where_content_is_off_there_is_no_text(monkeypatch, caplog, way):
    """No input, output, context, parameter, message, stack or description; types, numbers and names stay."""
    settings, environment = OFF[way]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.DEBUG)
    with recording(settings=settings) as recorder:
        everything()
        spans = {span.name.rpartition(".")[2]: span for span in recorder.spans}
    assert len(spans) == 4
    for span in spans.values():
        assert TEXT not in span.to_json()
    assert dict(spans["call"].attributes) == {
        "langwatch.span.type": "span",
        "langwatch.params": '{"temperature": 0.5}',
        "langwatch.metrics": '{"completion_tokens": 3}',
        "langwatch.timestamps": '{"started_at": 1}',
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.request.model": "gpt",
        "number": 1,
    }
    assert [(event.name, dict(event.attributes)) for name in ("fails", "handle") for event in spans[name].events] == [
        ("exception", {"exception.type": kind, "exception.escaped": "False"})
        for kind in ("ValueError", "ValueError", "KeyError")
    ]
    for name in ("fails", "handle"):
        assert (spans[name].status.status_code, spans[name].status.description) == (StatusCode.ERROR, None)
    assert TEXT not in caplog.text


def test_where_nobody_said_the_decorators_decide():
    """Without the setting, what a decorator or `update()` asks for is recorded, and errors whole."""
    with recording() as recorder:
        everything()
        spans = {span.name.rpartition(".")[2]: span for span in recorder.spans}
    [event] = spans["fails"].events
    assert [spans["call"].attributes[key] for key in ("input.value", "output.value", "asked")] == [TEXT] * 3
    assert (event.attributes["exception.message"], spans["fails"].status.description) == (TEXT, f"ValueError: {TEXT}")
    assert "in fails" in event.attributes["exception.stacktrace"]


class OurError(Exception):
    """An error with a module of its own."""


def test_an_error_keeps_the_type_that_the_sdk_gives_it():
    """An error without its text has the same type as one with it."""
    kinds = []
    for content in (None, False):
        with recording(settings={"capture_content": content}) as recorder:
            with pytest.raises(OurError), langwatch.trace(name="turn"):
                raise OurError(TEXT)
            [span] = recorder.spans
            kinds.append(span.events[0].attributes["exception.type"])
    assert kinds == [f"{__name__}.OurError"] * 2


PROGRAM = """
import logging, warnings
warnings.simplefilter("ignore")
logging.basicConfig(format="%(message)s")
import langwatch_otel as langwatch, openai
langwatch.setup(capture_content=False)
client = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="none", max_retries=0, timeout=1)
try:
    client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "something private"}])
except openai.APIConnectionError:
    pass
from opentelemetry import trace
trace.get_tracer_provider().force_flush()
"""
WARNING = "capture_content=false does not reach OpenAI's own spans: set TRACELOOP_TRACE_CONTENT=false"


@pytest.mark.parametrize(("environment", "records"), [({}, True), ({"TRACELOOP_TRACE_CONTENT": "false"}, False)])
def test_openais_own_spans_have_a_variable_of_their_own(environment, records):
    """`setup(capture_content=False)` says that OpenAI's instrumentation records prompts, and what stops it."""
    with Receiver() as receiver:
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=clean_environment(PYTHONPATH="src", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint, **environment),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        assert (WARNING in run.stderr, TEXT.encode() in b"".join(receiver.requests)) == (records, records)
        assert sorted(span.name for span in receiver.spans) == sorted(("openai.chat", *model_calls()))
