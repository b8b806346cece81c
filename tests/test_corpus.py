"""The recorded spans are whole, the same on every machine, and described as they are."""

import json
import re
import secrets
import time
import uuid

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from corpus.record.environments import ENVIRONMENTS, PROGRAMS, RECORDINGS
from corpus.record.normal import Normal
from corpus.record.readme import BEGIN, END, README, table
from corpus.record.receiver import Sink

SPAN = {"trace", "parent", "scope", "name", "kind", "attributes", "events", "status", "resource"}
RECORD = {"span", "scope", "event_name", "body", "attributes"}
ROLES = {"system", "user", "assistant", "tool"}
MESSAGE = {"role", "content", "tool_calls", "tool_call_id"}
FIELDS = {
    *("thread_id", "user_id", "customer_id", "labels", "model", "operation", "input_tokens", "output_tokens"),
    *("input_messages", "output_messages", "input", "output"),
}
VOLATILE = {
    "a folder of a machine": r"/(?:home|root|tmp|Users|work|var|opt)/",
    "an address of this machine": r"127\.0\.0\.1|localhost|\b0\.0\.0\.0\b|\[::1\]",
    "a time": r"\b20\d\d-(?!01-01)\d\d-\d\dT|\b1[789](?!60{7}\b)\d{8}\b|\b(?!00:00:00)\d\d:\d\d:\d\d\b",
    "an id of a call": r"\b(?:chatcmpl|call)-[0-9a-f]{24}\b",
    "a trace id": r"\b(?!0{16})[0-9a-f]{32}\b",
    "a UUID": r"\b(?!0)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    "an address of an object": r" at 0x[0-9a-f]{6,}",
    "a key": r"\bsk-[A-Za-z0-9]{8,}|Bearer ",
}

every_recording = pytest.mark.parametrize("name", ENVIRONMENTS)


def read(name):
    return json.loads((RECORDINGS / f"{name}.json").read_text())


def expected(name):
    return json.loads((RECORDINGS / f"{name}.expected.json").read_text())


def texts(value):
    """Every text in `value`, with what JSON in it says."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value
        if value[:1] in "{[\"'" and (inner := parsed(value)) is not None:
            yield from texts(inner)
    elif value is not None:
        yield str(value)


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


@every_recording
def test_a_recording_has_the_shape_that_the_readme_tells(name):
    found = read(name)
    spans, logs = found["spans"], found.get("logs", [])
    assert found.keys() - {"logs"} == {"package", "version", "recorded", "spans"}
    assert [span for span in spans if span.keys() != SPAN] == []
    assert [record for record in logs if record.keys() != RECORD] == []
    assert [span["parent"] for span in spans if not (span["parent"] is None or 0 <= span["parent"] < len(spans))] == []
    assert {span["status"]["code"] for span in spans} <= {"UNSET", "OK", "ERROR"}
    assert any(span["status"]["code"] == "ERROR" for span in spans)


@every_recording
@pytest.mark.parametrize("what", VOLATILE)
def test_a_recording_says_nothing_of_a_machine_or_a_run(name, what):
    text = (RECORDINGS / f"{name}.json").read_text()
    recorded = r'^ "recorded": .*$'
    assert re.findall(VOLATILE[what], re.sub(recorded, "", text, count=1, flags=re.MULTILINE)) == []


@every_recording
def test_a_recording_is_of_the_version_that_is_pinned_and_small(name):
    environment, found = ENVIRONMENTS[name], read(name)
    assert (found["package"], found["version"]) == (environment.package, environment.version)
    assert (PROGRAMS / (environment.program or f"{name}.py")).exists()
    assert (RECORDINGS / f"{name}.json").stat().st_size < 150 * 1024


@every_recording
def test_what_a_reader_finds_is_in_the_span_or_its_log_records(name):
    found = read(name)
    wanted = expected(name)
    assert len(wanted) == len(found["spans"])
    for index, (span, fields) in enumerate(zip(found["spans"], wanted, strict=True)):
        assert fields.keys() <= FIELDS
        messages = [*fields.get("input_messages", []), *fields.get("output_messages", [])]
        assert [message for message in messages if not message.keys() <= MESSAGE] == []
        logs = [record for record in found.get("logs", []) if record["span"] == index]
        there = "\n".join(texts([span, logs]))
        values = [value for key, value in fields.items() if key != "operation"]
        # Our own keys, and roles, which many an attribute's name implies.
        ours = MESSAGE | ROLES | {"id", "name", "arguments"}
        assert [text for text in texts(values) if text not in there and text not in ours] == []


def test_there_is_nothing_that_is_not_recorded():
    names = {path.name.split(".")[0] for path in RECORDINGS.glob("*.json")}
    assert names == set(ENVIRONMENTS)


def test_the_readme_has_the_table_of_what_is_there():
    assert README.read_text().partition(BEGIN)[2].partition(END)[0] == f"\n{table()}"


def test_two_runs_of_one_program_record_the_same():
    first, second = recorded(), recorded()
    assert first == second
    assert [(span["name"], span["parent"], span["attributes"]) for span in first["spans"]] == [
        ("turn", None, {"duration": 0.0, "session.id": "thread-1"}),
        (
            "chat",
            0,
            {"address": "http://endpoint.test", "call": "call-1", "run": f"{1:08d}-0000-0000-0000-000000000000"},
        ),
    ]


def recorded():
    with Sink() as sink:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{sink.url}/any/traces")))
        tracer = provider.get_tracer("the application")
        with tracer.start_as_current_span("turn") as turn:
            turn.set_attributes({"session.id": "thread-1", "duration": time.perf_counter()})
            with tracer.start_as_current_span("chat") as chat:
                call = f"call-{secrets.token_hex(12)}"
                chat.set_attributes({"address": sink.url, "call": call, "run": str(uuid.uuid4())})
        provider.shutdown()
    host = sink.url.partition("://")[2]
    return Normal({host: "endpoint.test"}).recording(sink.received.spans, sink.received.logs)
