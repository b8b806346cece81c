"""Messages in the shapes of several APIs, in events, in log records, and all that is read from them."""

import json

import pytest

from _reading import (
    ALL,
    ANSWER,
    ANSWERED,
    ASKED,
    CALL,
    CALLED,
    CHAT,
    OPENAI,
    PARTS,
    SAID,
    canonical,
    said,
    whole,
)

SPANS = {
    "Anthropic's blocks": (
        {
            "input.value": json.dumps(
                [
                    {"role": "user", "content": "Rain in Lisbon?"},
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Lisbon"}}
                        ],
                    },
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "call_1",
                                "content": [{"type": "text", "text": '{"rain": false}'}],
                            }
                        ],
                    },
                ]
            )
        },
        {"input_messages": (ASKED, CALLED, ANSWERED)},
    ),
    "OpenAI's responses": (
        {
            "input.value": json.dumps(
                {
                    "input": [
                        {"role": "user", "content": [{"type": "input_text", "text": "Rain in Lisbon?"}]},
                        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": CALL[2]},
                        {"type": "function_call_output", "call_id": "call_1", "output": '{"rain": false}'},
                    ]
                }
            ),
            "output.value": json.dumps(
                {
                    "output": [
                        {
                            "type": "message",
                            "role": "assistant",
                            "content": [{"type": "output_text", "text": "It is dry."}],
                        }
                    ]
                }
            ),
        },
        {"input_messages": (ASKED, CALLED._replace(role="assistant"), ANSWERED), "output_messages": (SAID,)},
    ),
    "LangChain's own JSON": (
        {
            "traceloop.entity.input": json.dumps(
                {
                    "inputs": {
                        "messages": [
                            {"lc": 1, "type": "constructor", "kwargs": {"content": "Rain in Lisbon?", "type": "human"}}
                        ]
                    }
                }
            ),
            "traceloop.entity.output": json.dumps(
                [
                    {
                        "type": "ai",
                        "content": "",
                        "tool_calls": [{"id": "call_1", "name": "weather", "args": {"city": "Lisbon"}}],
                    }
                ]
            ),
        },
        {"input_messages": (ASKED,), "output_messages": (CALLED,)},
    ),
    "Google's agents": (
        {
            "gcp.vertex.agent.llm_request": json.dumps(
                {"model": "gemini", "contents": [{"role": "user", "parts": [{"text": "Rain in Lisbon?"}]}]}
            ),
            "gcp.vertex.agent.llm_response": json.dumps(
                {
                    "content": {
                        "role": "model",
                        "parts": [{"functionCall": {"id": "call_1", "name": "weather", "args": {"city": "Lisbon"}}}],
                    }
                }
            ),
        },
        {"input_messages": (ASKED,), "output_messages": (CALLED,)},
    ),
}


@pytest.mark.parametrize("name", SPANS)
def test_a_span_is_read_whole(name):
    """All that a span says is read, and nothing else."""
    attributes, expected = SPANS[name]
    assert whole(canonical(attributes, span_name="execute_tool weather")) == expected


EVENTS = {
    "Strands' events, in Bedrock's shapes": [
        ("gen_ai.user.message", {"content": '[{"text": "Rain in Lisbon?"}]'}),
        (
            "gen_ai.choice",
            {
                "message": '[{"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Lisbon"}}}]',
                "tool.result": json.dumps(
                    [{"toolResult": {"toolUseId": "call_1", "content": [{"text": '{"rain": false}'}]}}]
                ),
            },
        ),
    ],
    "the older events": (
        [
            ("gen_ai.system.message", {"content": "Be brief."}),
            ("exception", {"exception.type": "ValueError"}),
            ("gen_ai.user.message", {"content": "Rain in Lisbon?"}),
            ("gen_ai.assistant.message", {"tool_calls": json.dumps(OPENAI[2]["tool_calls"])}),
            ("gen_ai.tool.message", {"id": "call_1", "content": '{"rain": false}'}),
            ("gen_ai.choice", {"index": 0, "message": '{"role": "assistant", "content": "It is dry."}'}),
        ]
    ),
    "the oldest events": (
        [
            ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(OPENAI)}),
            ("gen_ai.content.completion", {"gen_ai.completion": '[{"role": "assistant", "content": "It is dry."}]'}),
        ]
    ),
    "today's event": (
        [
            (
                "gen_ai.client.inference.operation.details",
                {"gen_ai.input.messages": json.dumps(PARTS), "gen_ai.output.messages": ANSWER},
            )
        ]
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_messages_in_span_events_are_read(name):
    """Content that is in a span's events counts as much as on the span."""
    found = canonical({"session.id": "t1"}, events=EVENTS[name])
    asked, answered = ((ASKED,), (CALLED, ANSWERED)) if name.startswith("Strands") else (ALL, (SAID,))
    assert whole(found) == {"thread_id": "t1", "input_messages": asked, "output_messages": answered}


def test_messages_that_say_nothing_are_left_out():
    """Where an instrumentation records no content, its events bring no empty messages."""
    events = [
        ("gen_ai.user.message", {"gen_ai.system": "openai"}),
        ("gen_ai.choice", {"message": '{"role": "assistant"}'}),
    ]
    assert whole(canonical({}, events=events)) == {}


def test_system_instructions_are_not_told_twice():
    """Instructions beside messages that begin with them are one message."""
    details = {
        "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
        "gen_ai.input.messages": PARTS,
    }
    found = canonical({}, events=[("gen_ai.client.inference.operation.details", details)])
    assert whole(found) == {"input_messages": ALL}
    details["gen_ai.input.messages"] = PARTS[1:]
    assert whole(canonical({}, events=[("gen_ai.client.inference.operation.details", details)])) == {
        "input_messages": ALL
    }


LOGS = {
    "openai-v2's": [
        ("gen_ai.system.message", {"content": "Be brief."}, {"gen_ai.system": "openai"}),
        ("gen_ai.user.message", {"content": "Rain in Lisbon?"}, {}),
        ("gen_ai.assistant.message", {"tool_calls": OPENAI[2]["tool_calls"]}, {}),
        ("", '{"id": "call_1", "content": "{\\"rain\\": false}"}', {"event.name": "gen_ai.tool.message"}),
        ("gen_ai.choice", {"index": 0, "message": {"role": "assistant", "content": "It is dry."}}, {}),
    ],
    "today's": [
        (
            "gen_ai.client.inference.operation.details",
            None,
            {"gen_ai.input.messages": PARTS, "gen_ai.output.messages": ANSWER},
        )
    ],
}


@pytest.mark.parametrize("name", LOGS)
def test_messages_in_log_records_are_read(name):
    """Content that is in log records alone is found there."""
    found = canonical({"gen_ai.operation.name": "chat"}, logs=LOGS[name])
    assert whole(found) == {**CHAT, "input_messages": ALL, "output_messages": (SAID,)}


def test_names_that_could_be_anybodys_count_in_their_own_scope_alone():
    """`tool_arguments` and `events` of another scope are not content."""
    attributes = {
        "tool_arguments": "{}",
        "tool_response": "dry",
        "events": json.dumps([{"role": "user", "content": "x"}]),
    }
    assert whole(canonical(attributes, scope_name="shop")) == {}
    found = canonical(attributes, scope_name="pydantic-ai")
    assert whole(found) == {"input_messages": (said("user", "x"),), "output": "dry"}
