"""The recorded spans of real SDKs, read, against what a careful reader finds in them."""

import json
from collections import Counter

import pytest

from corpus.record.environments import ENVIRONMENTS
from langwatch_otel.conventions import CONVENTIONS, canonical
from langwatch_otel.conventions._reading.keys import NEVER
from test_corpus import expected, read

NAMES = ("thread_id", "user_id", "customer_id")
FACTS = ("model", "operation", "input_tokens", "output_tokens", "input", "output")
MESSAGES = ("input_messages", "output_messages")

# How many spans of a recording are read otherwise than the reader did in that field, and why.
OTHERWISE = {
    "google-adk": {"output_messages": 1},  # A stream's pieces are events of their own, before the whole.
    "langfuse": {"output": 1, "output_messages": 1},  # A stream's answer is a text, without a role.
    # Messages in a chain's JSON are messages to us, where the messages of its own keys say nothing; a call that failed.
    "langgraph-openinference": {"input": 11, "input_messages": 5, "output": 1},
    "langgraph-traceloop": {"input": 11, "input_messages": 11},  # The same.
    "langsmith": {"output": 2},  # A result that is nothing, in an object.
    "logfire": {"output": 1},  # A function's result is in the key `return`, and could be anybody's.
    "mlflow": {"model": 1},  # The model of a call that failed is in the JSON of its input alone.
    "openinference": {"model": 1},  # The same.
    "openlit": {"input": 5, "output": 1, "input_messages": 1, "output_messages": 1},  # Its own decorator's keys.
    "posthog": {"thread_id": 6},  # `$session_id` is the browser's session, its makers say.
    "pydantic-ai": {"output": 4},  # The result is the last message, too.
    "strands": {"input": 1, "output": 1, "input_messages": 1, "output_messages": 1},  # A tool's span has messages.
    "weave": {"input_messages": 2, "output_messages": 1},  # Messages that say nothing.
}


def messages_of(found):
    for message in found:
        calls = [{"id": call.id, "name": call.name, "arguments": value(call.arguments)} for call in message.tool_calls]
        fields = {"role": message.role, "content": value(message.content), "tool_calls": calls}
        yield without_nothing(fields | {"tool_call_id": message.tool_call_id})


def without_nothing(found):
    return {key: item for key, item in found.items() if item not in (None, "", [], ())}


def value(text):
    """What JSON says, in whatever spelling it came."""
    try:
        found = json.loads(text) if isinstance(text, str) and text[:1] in "{[" else text
    except ValueError:
        return text
    return found


def plain(found):
    fields = {name: getattr(found.conversation, name) for name in NAMES}
    fields |= {"labels": list(found.conversation.labels)}
    fields |= {name: value(getattr(found, name)) for name in FACTS}
    return without_nothing(fields | {name: list(messages_of(getattr(found, name))) for name in MESSAGES})


def told(fields):
    """What the reader told, with the JSON in it as it is compared."""
    fields = {name: value(item) for name, item in fields.items()}
    for name in MESSAGES:
        messages = fields.get(name, [])
        fields[name] = [without_nothing(message | {"content": value(message.get("content"))}) for message in messages]
    return without_nothing(fields)


def spans_of(name):
    recording = read(name)
    logs = {}
    for record in recording.get("logs", ()):
        logs.setdefault(record["span"], []).append((record["event_name"], record["body"], record["attributes"]))
    for number, span in enumerate(recording["spans"]):
        yield canonical(
            span["attributes"],
            scope_name=span["scope"]["name"],
            span_name=span["name"],
            events=[(event["name"], event["attributes"]) for event in span["events"]],
            resource=span["resource"],
            logs=logs.get(number, ()),
        )


@pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
def test_a_recording_is_read_as_a_careful_reader_does(name):
    """Field by field of each span, but for the ones that are listed with a reason."""
    otherwise = Counter()
    for found, fields in zip(map(plain, spans_of(name)), map(told, expected(name)), strict=True):
        otherwise.update(field for field in found.keys() | fields.keys() if found.get(field) != fields.get(field))
    assert dict(otherwise) == OTHERWISE.get(name, {})


def test_no_convention_reads_what_is_never_a_thread():
    """The catalogue has no key that the reader refuses."""
    read_as_threads = {key for convention in CONVENTIONS for key in convention.reads.thread_id}
    assert not NEVER & read_as_threads
