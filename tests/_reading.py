"""A reader over declarations of its own, and what it reads as one plain dict."""

from typing import NamedTuple

from langwatch_otel.conventions import Message, ToolCall
from langwatch_otel.conventions._convention import Reads
from langwatch_otel.conventions._reading import Reader

PROPERTIES = "traceloop.association.properties."


class Declared(NamedTuple):
    """What of a convention is read."""

    name: str
    reads: Reads


DECLARED = (
    Declared(
        "otel",
        reads=Reads(
            thread_id=("session.id", "gen_ai.conversation.id"),
            user_id=("user.id", "enduser.id"),
            input=("gen_ai.input.messages",),
            output=("gen_ai.output.messages",),
        ),
    ),
    Declared(
        "langwatch",
        reads=Reads(
            thread_id=(
                "langwatch.thread.id",
                "langwatch.thread_id",
                "thread_id",
                "gen_ai.conversation.id",
                "session.id",
            ),
            user_id=("langwatch.user.id", "langwatch.user_id", "user_id", "user.id"),
            customer_id=("langwatch.customer.id", "customer_id"),
            labels=("langwatch.labels", "langwatch.tags", "tag.tags"),
            metadata=("metadata", "langwatch.metadata"),
            metadata_prefixes=("metadata.", "langwatch.metadata."),
            input=("langwatch.input", "input.value"),
            output=("langwatch.output", "output.value"),
        ),
    ),
    Declared(
        "langfuse",
        reads=Reads(
            thread_id=("langfuse.session.id", "session.id"),
            user_id=("langfuse.user.id",),
            labels=("langfuse.trace.tags",),
            metadata_prefixes=("langfuse.trace.metadata.",),
            input=("langfuse.observation.input",),
            output=("langfuse.observation.output",),
        ),
    ),
    Declared(
        "openinference",
        reads=Reads(input=("llm.input_messages.", "input.value"), output=("llm.output_messages.", "output.value")),
    ),
    Declared(
        "traceloop",
        reads=Reads(
            thread_id=(PROPERTIES + "session_id",),
            user_id=(PROPERTIES + "user_id",),
            metadata_prefixes=(PROPERTIES,),
            input=("traceloop.entity.input",),
            output=("traceloop.entity.output",),
        ),
    ),
    Declared("mlflow", reads=Reads(input=("mlflow.spanInputs",), output=("mlflow.spanOutputs",))),
    Declared("langsmith", reads=Reads(metadata_prefixes=("langsmith.metadata.", "langsmith.trace."))),
    Declared(
        "google",
        reads=Reads(input=("gcp.vertex.agent.llm_request",), output=("gcp.vertex.agent.llm_response",)),
    ),
)

canonical = Reader(DECLARED).canonical

CONTENT = "input_messages output_messages input output"
FACTS = "model provider operation input_tokens output_tokens tool_name span_type"


def whole(found):
    """All that was found, without what is not there."""
    conversation = found.conversation._asdict() | {"metadata": dict(found.conversation.metadata)}
    fields = {name: getattr(found, name) for name in f"{CONTENT} {FACTS}".split()} | conversation
    return {name: value for name, value in fields.items() if value not in (None, (), {})}


def said(role, content="", *calls, **more):
    """A message."""
    return Message(role, content, tuple(ToolCall(*call) for call in calls), **more)


CALL = ("call_1", "weather", '{"city": "Lisbon"}')
ASKED = said("user", "Rain in Lisbon?")
CALLED = said("assistant", "", CALL)
ANSWERED = said("tool", '{"rain": false}', tool_call_id="call_1")
SAID = said("assistant", "It is dry.")
SYSTEM = said("system", "Be brief.")

PARTS = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Rain in Lisbon?"}]},
    {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "I should look."},
            {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Lisbon"}},
        ],
    },
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": {"rain": False}}]},
]
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "It is dry."}], "finish_reason": "stop"}]
OPENAI = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Rain in Lisbon?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": CALL[2]}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"rain": false}'},
]
ALL = (SYSTEM, ASKED, CALLED, ANSWERED)
CHAT = {"operation": "chat", "span_type": "llm"}
