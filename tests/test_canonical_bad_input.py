"""What strangers send: read as far as it makes sense, never an error, never without a bound.

`LANGWATCH_OTEL_EXAMPLES=100000 pytest tests/test_canonical_bad_input.py` runs as many examples.
"""

import json
import os
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from _bad_spans import EVENT_KEYS, EVENT_NAMES, STEPS, WORDS, BadSpans, keys_of
from _reading import DECLARED, canonical, said, whole
from langwatch_otel import _guard
from langwatch_otel.conventions._reading import Canonical, Message, Reader, messages
from langwatch_otel.conventions._reading.content import MAX_MESSAGES
from langwatch_otel.conventions._reading.keys import MAX_KEYS
from langwatch_otel.conventions._reading.values import MAX_ID, MAX_ITEMS, MAX_JSON, MAX_TEXT

QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("default spans", max_examples=200, derandomize=True, **QUIET)
settings.register_profile("many spans", max_examples=int(os.environ.get("LANGWATCH_OTEL_EXAMPLES", "1")), **QUIET)
PROFILE = "many spans" if "LANGWATCH_OTEL_EXAMPLES" in os.environ else "default spans"

words = st.sampled_from(WORDS)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=5) | st.binary(max_size=5)
shapes = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=20
)


def as_json(value):
    return json.dumps(value, default=repr)


def cut(text):
    return st.integers(0, len(text)).map(lambda end: text[:end])


values = shapes | shapes.map(as_json) | shapes.map(as_json).flatmap(cut)
KEYS = keys_of(DECLARED)
keys = st.builds(
    lambda name, steps: name + ".".join(steps) if name.endswith(".") else name,
    st.sampled_from(KEYS),
    st.lists(st.sampled_from(STEPS) | st.just("999999999"), max_size=6),
)
spans = st.dictionaries(keys, values, max_size=8)
fields = st.dictionaries(st.sampled_from(EVENT_KEYS), values, max_size=3)
events = st.lists(st.tuples(st.sampled_from(EVENT_NAMES), fields), max_size=3)
logs = st.lists(st.tuples(st.sampled_from(EVENT_NAMES), values | fields, fields), max_size=3)


def is_read(caplog, arguments):
    """Read a span twice: fields of the right kind, in characters of UTF-8, the same both times; nothing is logged."""
    _guard._said.clear()
    caplog.clear()
    found = canonical(span_name="execute_tool x", **arguments)
    for message in (*found.input_messages, *found.output_messages):
        assert type(message) is Message
        assert all(isinstance(text, str) for text in (message.role, message.content, *message.media))
        assert all(isinstance(call.name, str) and isinstance(call.arguments, str) for call in message.tool_calls)
    texts = (*found.conversation[:3], found.input, found.output, found.model, found.provider, found.operation)
    assert all(text is None or (isinstance(text, str) and text) for text in texts)
    assert all(type(count) in (int, type(None)) for count in (found.input_tokens, found.output_tokens))
    repr(whole(found)).encode()
    json.dumps(
        [found.conversation[:4], dict(found.conversation.metadata), found.input_messages], ensure_ascii=False
    ).encode()
    again = canonical(span_name="execute_tool x", **arguments)
    # As text: what is no number is not even itself.
    assert (repr(found), dict(found.took)) == (repr(again), dict(again.took))
    assert caplog.messages == []


@settings(max_examples=60, derandomize=True, **QUIET)
@given(arguments=st.fixed_dictionaries({"attributes": spans, "resource": spans, "events": events, "logs": logs}))
def test_any_span_is_read_into_values_of_the_right_kind(caplog, arguments):
    """Whatever comes, each field is of its type, UTF-8 can say all of it, and no mistake of ours was swallowed."""
    is_read(caplog, arguments)


@pytest.mark.timeout(7200)
@settings(settings.get_profile(PROFILE))
@given(seed=st.integers(0, 2**64 - 1))
def test_a_span_of_any_seed_is_read(caplog, seed):
    """The same of as many spans as are asked for."""
    is_read(caplog, BadSpans(seed, KEYS).arguments())


item = st.dictionaries(
    st.sampled_from(["role", "content", "parts", "name", "finish_reason", "refusal", "tool_calls", "message", "type"]),
    st.none()
    | st.sampled_from(["user", "assistant", "tool", "", "é", "\ud800"])
    | st.lists(
        st.dictionaries(
            st.sampled_from(["type", "text", "content", "refusal", "id"]),
            st.none() | st.sampled_from(["text", "input_text", "tool_call", "reasoning", "", "hi"]) | st.just([]),
            max_size=3,
        )
        | st.just("hi"),
        max_size=3,
    )
    | st.dictionaries(st.sampled_from(["role", "content", "name", "message"]), st.just("user"), max_size=3),
    max_size=5,
)


@settings(max_examples=300, derandomize=True, **QUIET)
@given(found=item)
def test_a_message_of_text_is_read_as_any_message_is(found):
    """The quick way, where it takes a message, says what the thorough one says."""
    quick = messages._simple(found)
    assert quick is None or (quick,) == tuple(messages._messages(found, "user"))


DEEP = 100_000
TEXT = "x" * (10 * 1024 * 1024)
MESSAGES = json.dumps([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}])

BAD = {
    "a list that was cut": ({"gen_ai.input.messages": MESSAGES[:-8]}, {"input_messages": (said("user", "hi"),)}),
    "not JSON": ({"gen_ai.input.messages": '{"role"'}, {"input": '{"role"'}),
    "nested lists": ({"gen_ai.input.messages": "[" * DEEP + '"role"'}, {"input": "[" * DEEP + '"role"'}),
    "nested objects": ({"metadata": '{"a":' * DEEP, "session.id": "t1"}, {"thread_id": "t1"}),
    "deep metadata": (
        {"metadata": '{"a":' * 20 + "1" + "}" * 20},
        {"metadata": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": None}}}}}}}}}},
    ),
    "a surrogate in an id": ({"session.id": "a\ud800"}, {"thread_id": "a\\ud800"}),
    "a surrogate in JSON": (
        {"gen_ai.input.messages": '[{"role": "user", "content": "\\ud800"}]'},
        {"input_messages": (said("user", "\\ud800"),)},
    ),
    "a long id": ({"session.id": "x" * 5000}, {"thread_id": "x" * MAX_ID}),
    "an int too long to write": ({"session.id": 10**6000}, {}),
    "bytes": ({"session.id": b"t1", "input.value": b"hello", "output.value": b"\xff"}, {"input": "hello"}),
    "a huge text": ({"input.value": TEXT}, {"input": TEXT[:MAX_TEXT]}),
    "huge JSON": (
        {"gen_ai.input.messages": '[{"role": "user", "content": "' + TEXT + '"}]'},
        {"input": ('[{"role": "user", "content": "' + TEXT)[:MAX_TEXT]},
    ),
    "an index far out": (
        {"llm.input_messages.999999999.message.role": "user", "llm.input_messages.999999999.message.content": "hi"},
        {"input_messages": (said("user", "hi"),)},
    ),
    "an index too far out": ({"llm.input_messages.9999999999.message.content": "hi"}, {}),
    "an index in other digits": ({"llm.input_messages.\u0661.message.content": "hi"}, {}),
    "endless steps": ({"llm.input_messages.0" + ".message" * 20: "hi"}, {}),
    "a leaf where others have a branch": (
        {
            "llm.input_messages.0.message": "x",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hi",
        },
        {"input_messages": (said("user", "hi"),)},
    ),
    "a leaf after the branch": (
        {
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hi",
            "llm.input_messages.0.message": "x",
        },
        {"input_messages": (said("user", "hi"),)},
    ),
    "NaN and infinity": (
        {"gen_ai.usage.input_tokens": float("nan"), "gen_ai.usage.output_tokens": float("inf"), "session.id": 1.5},
        {},
    ),
    "below zero": ({"gen_ai.usage.input_tokens": -1}, {}),
    "no mapping in metadata": ({"metadata": "null"}, {}),
    "keys of no kind": ({1: "x", None: "y", "session.id": "t1"}, {"thread_id": "t1"}),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_read_as_far_as_it_makes_sense(name, caplog):
    """What can be read is, what cannot is left out, and nothing is logged of it."""
    attributes, expected = BAD[name]
    assert whole(canonical(attributes)) == expected
    assert caplog.messages == []


class Broken(dict):
    def __getitem__(self, key):
        raise RuntimeError(key)


def test_a_mapping_that_raises_is_read_as_nothing(caplog):
    """A mistake of the caller's is logged once, without content."""
    assert canonical(Broken({"session.id": "secret", "input.value": "secret"})) == Canonical()
    assert not any("secret" in message for message in caplog.messages)


def test_the_last_messages_are_kept():
    """Of more messages than are kept, in JSON or by index, the last ones are there."""
    many = range(MAX_MESSAGES + 5)
    kept = tuple(said("user", str(number)) for number in many)[-MAX_MESSAGES:]
    listed = json.dumps([{"role": "user", "content": str(number)} for number in many])
    assert canonical({"gen_ai.input.messages": listed}).input_messages == kept
    indexed = {f"gen_ai.prompt.{number}.content": str(number) for number in many}
    indexed |= {f"gen_ai.prompt.{number}.role": "user" for number in many}
    assert canonical(indexed).input_messages == kept


def test_metadata_is_bounded():
    """Of more metadata than is kept, the first names are there."""
    many = {f"k{number}": number for number in range(MAX_ITEMS + 5)}
    assert len(canonical({"metadata": json.dumps(many)}).conversation.metadata) == MAX_ITEMS


def test_endless_new_conversations_cost_bounded_memory():
    """What was read of the last ones is remembered, up to a number and a size; empty texts have one too."""
    reader = Reader(DECLARED)
    tracemalloc.start()
    try:
        for number in range(20_000):
            reader.canonical({"session.id": f"{number:>0200}", "user.id": "u"})
        for number in range(100):
            reader.canonical({"tag.tags": [""] * (10_000 + number)})
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 4 * 1024 * 1024


def test_endless_new_keys_cost_bounded_memory():
    """Keys of strangers are remembered up to a number, and known ones stay known."""
    reader = Reader(DECLARED)
    tracemalloc.start()
    try:
        for number in range(3 * MAX_KEYS):
            reader.canonical({f"{number}{'x' * 200}": 1, "session.id": f"t{number}"})
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 8 * 1024 * 1024
    assert reader.canonical({"session.id": "t1"}).conversation.thread_id == "t1"


def test_the_worst_that_is_parsed_takes_little_time():
    """A value of the longest JSON that is parsed, made of nothing but small lists, is read in seconds at most."""
    worst = '["role",' + "[]," * (MAX_JSON // 3 - 10) + "[]]"
    began = time.perf_counter()
    assert canonical({"gen_ai.input.messages": worst}).input == worst[:MAX_TEXT]
    assert time.perf_counter() - began < 10


NO_EVENTS = {"a number": 7, "too many": (1, 2, 3), "an odd name": ([], {}), "no attributes": ("gen_ai.choice", None)}
SAID = ("gen_ai.user.message", {"content": "hi"})


@pytest.mark.parametrize("what", NO_EVENTS)
def test_what_is_no_event_costs_nothing_else(what, caplog):
    """An event that is none is passed over, and the events beside it, the model and the tokens are read."""
    span = {"session.id": "t1", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3}
    expected = {"thread_id": "t1", "model": "m", "input_tokens": 3, "input_messages": (said("user", "hi"),)}
    assert whole(canonical(span, events=[NO_EVENTS[what], SAID])) == expected
    assert caplog.messages == []


NO_LOGS = {"a number": 7, "a pair": SAID, "an odd name": ([], {}, {}), "nothing": (None, None, None)}


@pytest.mark.parametrize("what", NO_LOGS)
def test_what_is_no_log_record_costs_nothing_else(what, caplog):
    """A record that is none is passed over, one without attributes has its body, and the model is read."""
    logs = [NO_LOGS[what], ("gen_ai.user.message", {"content": "hi"}, None)]
    expected = {"thread_id": "t1", "model": "m", "input_messages": (said("user", "hi"),)}
    assert whole(canonical({"session.id": "t1", "gen_ai.request.model": "m"}, logs=logs)) == expected
    assert caplog.messages == []


class Odd(int):
    def __str__(self):
        raise RuntimeError


def test_an_int_says_its_digits_itself():
    """An id of a class made from int is its digits, whatever that class calls itself."""
    assert whole(canonical({"session.id": Odd(7), "user.id": "u"})) == {"thread_id": "7", "user_id": "u"}
