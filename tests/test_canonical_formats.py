"""Whole spans of the conventions, of Traceloop and of OpenInference, and all that is read from them."""

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
    SYSTEM,
    canonical,
    said,
    whole,
)

SPANS = {
    "an HTTP span": ({"http.method": "GET", "url.full": "http://x/", "http.status_code": 200, "thread.id": 7}, {}),
    "Traceloop of today, and genai-openai": (
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.usage.input_tokens": 20,
            "gen_ai.usage.output_tokens": 4,
            "gen_ai.input.messages": json.dumps(PARTS),
            "gen_ai.output.messages": json.dumps(ANSWER),
            "session.id": "t1",
            "user.id": "u1",
        },
        {
            **CHAT,
            "provider": "openai",
            "model": "gpt-4o-2024-08-06",
            "input_tokens": 20,
            "output_tokens": 4,
            "input_messages": ALL,
            "output_messages": (SAID,),
            "thread_id": "t1",
            "user_id": "u1",
        },
    ),
    "system instructions apart": (
        {
            "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
            "gen_ai.input.messages": json.dumps(PARTS[1:2]),
        },
        {"input_messages": (SYSTEM, ASKED)},
    ),
    "media": (
        {
            "gen_ai.input.messages": json.dumps(
                [
                    {
                        "role": "user",
                        "parts": [
                            {"type": "text", "content": "What is this?"},
                            {"type": "uri", "modality": "image", "uri": "https://x/a.png"},
                            {"type": "blob", "mime_type": "audio/wav", "content": "UklG"},
                            {"type": "binary", "media_type": "application/pdf", "content": "JVBE"},
                        ],
                    }
                ]
            )
        },
        {"input_messages": (said("user", "What is this?", media=("image", "audio", "file")),)},
    ),
    "Traceloop of yesterday": (
        {
            "llm.request.type": "chat",
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be brief.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": '[{"type": "text", "text": "Rain in Lisbon?"}]',
            "gen_ai.prompt.2.role": "assistant",
            "gen_ai.prompt.2.tool_calls.0.id": "call_1",
            "gen_ai.prompt.2.tool_calls.0.name": "weather",
            "gen_ai.prompt.2.tool_calls.0.arguments": CALL[2],
            "gen_ai.prompt.10.role": "tool",
            "gen_ai.prompt.10.tool_call_id": "call_1",
            "gen_ai.prompt.10.content": '{"rain": false}',
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "It is dry.",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.usage.prompt_tokens": 20,
            "gen_ai.usage.completion_tokens": 4,
            "traceloop.association.properties.session_id": "t1",
            "traceloop.association.properties.plan": "pro",
        },
        {
            **CHAT,
            "provider": "OpenAI",
            "model": "gpt-4o",
            "input_tokens": 20,
            "output_tokens": 4,
            "input_messages": ALL,
            "output_messages": (SAID,),
            "thread_id": "t1",
            "metadata": {"plan": "pro"},
        },
    ),
    "a Traceloop tool": (
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "weather",
            "traceloop.entity.input": '{"args": [], "kwargs": {"city": "Lisbon"}}',
            "traceloop.entity.output": '"dry"',
        },
        {
            "operation": "execute_tool",
            "tool_name": "weather",
            "span_type": "tool",
            "input": '{"args": [], "kwargs": {"city": "Lisbon"}}',
            "output": "dry",
        },
    ),
    "OpenInference": (
        {
            "openinference.span.kind": "LLM",
            "llm.system": "openai",
            "llm.model_name": "gpt-4o",
            "llm.token_count.prompt": 20,
            "llm.token_count.completion": 4,
            "input.value": json.dumps({"messages": [], "model": "gpt-4o"}),
            "input.mime_type": "application/json",
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "Be brief.",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.contents.0.message_content.type": "text",
            "llm.input_messages.1.message.contents.0.message_content.text": "Rain in Lisbon?",
            "llm.input_messages.1.message.contents.1.message_content.type": "image",
            "llm.input_messages.1.message.contents.1.message_content.image.image.url": "https://x/a.png",
            "llm.input_messages.2.message.role": "assistant",
            "llm.input_messages.2.message.tool_calls.0.tool_call.id": "call_1",
            "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "weather",
            "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": CALL[2],
            "llm.input_messages.3.message.role": "tool",
            "llm.input_messages.3.message.tool_call_id": "call_1",
            "llm.input_messages.3.message.content": '{"rain": false}',
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "It is dry.",
            "output.value": '{"id": "chatcmpl-1"}',
            "session.id": "t1",
            "tag.tags": ["a", "b"],
            "metadata": '{"plan": "pro"}',
        },
        {
            "span_type": "llm",
            "provider": "openai",
            "model": "gpt-4o",
            "input_tokens": 20,
            "output_tokens": 4,
            "input_messages": (SYSTEM, ASKED._replace(media=("image",)), CALLED, ANSWERED),
            "output_messages": (SAID,),
            "thread_id": "t1",
            "labels": ("a", "b"),
            "metadata": {"plan": "pro"},
        },
    ),
    "OpenInference, a chain with messages in its value": (
        {
            "openinference.span.kind": "CHAIN",
            "input.value": json.dumps({"messages": OPENAI}),
            "output.value": "It is dry.",
            "output.mime_type": "text/plain",
        },
        {"span_type": "chain", "input_messages": ALL, "output": "It is dry."},
    ),
    "OpenInference, the old completions": (
        {"llm.prompts.0.prompt.text": "Rain in Lisbon?", "llm.choices.0.completion.text": "It is dry."},
        {"input_messages": (ASKED,), "output_messages": (SAID,)},
    ),
}


@pytest.mark.parametrize("name", SPANS)
def test_a_span_is_read_whole(name):
    """All that a span says is read, and nothing else."""
    attributes, expected = SPANS[name]
    assert whole(canonical(attributes, span_name="execute_tool weather")) == expected
