"""Which key wins where several say something else, and what `took` says of it."""

import copy
import json
import pickle
import subprocess
import sys

import pytest

from _reading import canonical, said, whole
from langwatch_otel import conventions
from langwatch_otel.conventions._reading import Canonical, Content, Said
from langwatch_otel.identity import Conversation

# The first of each row wins over all to its right.
ORDERS = {
    "thread_id": (
        "langwatch.thread.id",
        "session.id",
        "gen_ai.conversation.id",
        "langwatch.thread_id",
        "thread_id",
        "langfuse.session.id",
        "traceloop.association.properties.session_id",
        "metadata.thread_id",
        "resource:session.id",
        "resource:langfuse.session.id",
    ),
    "user_id": ("langwatch.user.id", "user.id", "enduser.id", "langwatch.user_id", "langfuse.user.id"),
    "customer_id": ("langwatch.customer.id", "customer_id", "metadata.customerId", "resource:customer_id"),
    "labels": ("langwatch.labels", "langwatch.tags", "tag.tags", "langfuse.trace.tags"),
    "input": (
        "gen_ai.input.messages",
        "llm.input_messages",
        "gen_ai.prompt",
        "langwatch.input",
        "input.value",
        "langfuse.observation.input",
        "traceloop.entity.input",
        "mlflow.spanInputs",
    ),
    "output": (
        "gen_ai.output.messages",
        "llm.output_messages",
        "gen_ai.completion",
        "ai.response.text",
        "langwatch.output",
        "output.value",
    ),
    "model": ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.model.id"),
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.promptTokens",
    ),
    "span_type": ("langwatch.span.type", "openinference.span.kind", "traceloop.span.kind"),
}
INDEXED = {"llm.input_messages": ".0.message.content", "llm.output_messages": ".0.message.content"}
INDEXED |= {"gen_ai.prompt": ".0.content", "gen_ai.completion": ".0.content"}


def spans():
    for field, keys in ORDERS.items():
        for place in range(len(keys)):
            yield pytest.param(field, keys[place:], id=f"{field}-{keys[place]}")


def value_of(field, key):
    if field.endswith("tokens"):
        return len(key)
    if key in ("gen_ai.input.messages", "gen_ai.output.messages"):
        return [{"role": "user", "content": key}]
    return [key] if field == "labels" else key


@pytest.mark.parametrize(("field", "keys"), list(spans()))
def test_the_first_that_is_there_wins(field, keys):
    """Of the keys that are there, the first of the order is taken, whatever order the span has them in."""
    attributes, resource = {}, {}
    for key in reversed(keys):
        where = resource if key.startswith("resource:") else attributes
        bare = key.removeprefix("resource:")
        value = value_of(field, bare)
        where[bare + INDEXED.get(bare, "") * (bare in INDEXED)] = value
        if bare in INDEXED:
            where[bare + INDEXED[bare].replace("content", "role")] = "user"
    found = canonical(attributes, resource=resource)
    assert found.took[field] == keys[0]


def test_an_instrumentation_that_overwrites_the_conversation_leaves_ours():
    """Where `gen_ai.conversation.id` is the model's own, LangWatch's key and `session.id` both say ours."""
    theirs = {"gen_ai.conversation.id": "conv_abc"}
    assert canonical(theirs).conversation.thread_id == "conv_abc"
    assert canonical({**theirs, "session.id": "ours"}).conversation.thread_id == "ours"
    assert canonical({**theirs, "langwatch.thread.id": "ours"}).conversation.thread_id == "ours"


@pytest.mark.parametrize("key", ["langsmith.trace.session_id", "langwatch.session.id", "thread.id"])
def test_what_is_no_thread_is_never_one(key):
    """A LangSmith project, a constant, and an operating system's thread name nothing."""
    assert canonical({key: "x"}) == Canonical()


def test_a_key_that_makes_no_sense_gives_way_to_the_next():
    """A blank id, a list of numbers and an empty text are passed over."""
    found = canonical(
        {
            "langwatch.thread.id": " ",
            "session.id": ["a"],
            "gen_ai.conversation.id": True,
            "thread_id": 42,
            "langwatch.labels": [1],
            "tag.tags": "a,b",
            "gen_ai.usage.input_tokens": float("nan"),
            "llm.token_count.prompt": 7.0,
            "gen_ai.input.messages": "[]",
            "input.value": "",
            "traceloop.entity.input": "hello",
        }
    )
    assert whole(found) | {"took": dict(found.took)} == {
        "thread_id": "42",
        "labels": ("a", "b"),
        "input_tokens": 7,
        "input": "[]",
        "took": {
            "thread_id": "thread_id",
            "labels": "tag.tags",
            "input_tokens": "llm.token_count.prompt",
            "input": "gen_ai.input.messages",
        },
    }


def test_messages_replace_a_text_and_the_span_goes_before_events_and_these_before_logs():
    """Each direction by itself: what has roles wins, then what is nearest to the span."""
    events = [("gen_ai.user.message", {"content": "event"})]
    logs = [("gen_ai.user.message", {"content": "log"}, {}), ("gen_ai.choice", {"message": {"content": "log"}}, {})]
    found = canonical({"input.value": "text"}, events=events, logs=logs)
    assert whole(found) == {"input_messages": (said("user", "event"),), "output_messages": (said("assistant", "log"),)}
    assert dict(found.took) == {"input": "gen_ai.user.message", "output": "gen_ai.choice"}


def test_a_vendors_object_of_tokens_fills_what_the_conventions_keys_leave_open():
    """A count in a key of its own wins over one inside of an object."""
    found = canonical({"langfuse.observation.usage_details": '{"input": 1, "output": 2}', "llm.token_count.prompt": 7})
    assert whole(found) == {"input_tokens": 7, "output_tokens": 2}


def test_the_resource_gives_what_the_span_leaves_open():
    """The span's own word goes first, field by field, and the same resource serves many spans."""
    resource = {"service.name": "x", "langwatch.thread.id": "below", "langwatch.customer.id": "c1"}
    for _ in range(2):
        found = canonical({"session.id": "t1"}, resource=resource)
        assert found.conversation == Conversation("t1", customer_id="c1")
        assert dict(found.took) == {"thread_id": "session.id", "customer_id": "resource:langwatch.customer.id"}
    mute = {"service.name": "x"}
    assert [canonical({}, resource=mute) for _ in range(2)] == [Canonical(), Canonical()]
    mute["session.id"] = ""
    assert canonical({}, resource=mute) == Canonical()
    mute["session.id"] = "t2"
    assert canonical({}, resource=mute).conversation.thread_id == "t2"


def test_a_resource_that_is_filled_anew_is_read_anew():
    """One dictionary that serves resource after resource, each with as many keys, hides no thread."""
    resource = {"service.name": "x"}
    assert canonical({}, resource=resource) == Canonical()
    resource.clear()
    resource["session.id"] = "t"
    assert canonical({}, resource=resource).conversation.thread_id == "t"


@pytest.mark.parametrize("key", ["metadata", "langwatch.metadata"])
def test_metadata_belongs_to_who_read_it(key):
    """What one reader does with a list or an object of the metadata, no other reader of the same text sees."""
    for _ in range(3):
        metadata = canonical({key: '{"list": [1], "object": {"a": {}}}'}).conversation.metadata
        assert metadata == {"list": [1], "object": {"a": {}}}
        metadata["list"].append(2)
        metadata["object"]["a"]["b"] = 3


def test_texts_that_are_equal_to_numbers_are_not_mixed_up():
    """A conversation that was just read is remembered by its texts alone: 1, True and "1" are three things."""
    found = [canonical({"session.id": value}).conversation.thread_id for value in ("1", 1, True, 1.0, "1", True)]
    assert found == ["1", "1", None, None, "1", None]


def test_a_text_a_tuple_and_a_list_of_one_key_are_not_mixed_up():
    """Whichever came before: "a,b" is two labels and ("a,b",) one, and a thread is no tuple."""
    for _ in range(2):
        threads = [canonical({"session.id": value}).conversation.thread_id for value in (("t",), ["x"], "t")]
        assert threads == [None, None, "t"]
        labels = [canonical({"tag.tags": value}).conversation.labels for value in (("a,b",), ["x"], "a,b")]
        assert labels == [("a,b",), ("x",), ("a", "b")]


def test_more_conversations_than_are_remembered_are_read_alike():
    """Many threads, each met twice, are each read as they are."""
    threads = [f"t{number}" for number in range(3000)] * 2
    assert [canonical({"session.id": thread}).conversation.thread_id for thread in threads] == threads


def test_in_metadata_a_name_in_snake_case_goes_before_one_in_camel_case():
    """Wherever the two stand; null is no value, in a short object as in a long one."""
    for more in ({}, {"long": "x" * 2000}):
        text = json.dumps({"threadId": "camel", "none": None, "thread_id": "snake", "userId": None, **more})
        assert canonical({"metadata": text}).conversation == Conversation("snake", metadata=more)


def test_a_span_that_was_read_stays_as_it_was():
    """What is read is a value: it cannot be changed, nor does the caller's dict change it later."""
    attributes = {"session.id": "t1", "input.value": "hello", "gen_ai.request.model": "m"}
    found = canonical(attributes)
    attributes.clear()
    expected = Canonical(
        Conversation("t1"),
        ({"thread_id": "session.id"}, {"model": "gen_ai.request.model"}),
        Said((Content((), "hello", "input.value"), Content())),
        "m",
    )
    assert found == expected
    assert repr(found).startswith("Canonical(conversation=Conversation(thread_id='t1'")
    assert pickle.loads(pickle.dumps(found.said)) == expected.said
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert (again, type(again), dict(again.took)) == (expected, Canonical, dict(expected.took))
    assert found != canonical({"session.id": "t1", "input.value": "bye", "gen_ai.request.model": "m"})
    with pytest.raises(AttributeError):
        found.model = "other"
    with pytest.raises(TypeError):
        found.took["thread_id"] = "other"


def test_the_reader_is_loaded_by_those_who_read():
    """`import langwatch_otel` brings in no reader; the names of `conventions` do."""
    program = (
        "import sys, langwatch_otel; from langwatch_otel import conventions\n"
        "print('langwatch_otel.conventions._reading' in sys.modules)\n"
        "print(conventions.canonical({}) == conventions.Canonical())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="no attribute 'canonic'"):
        _ = conventions.canonic
