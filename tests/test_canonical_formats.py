"""Whole spans, as each instrumentation writes them, and all that is read from them."""

import json

import pytest

from _reading import canonical, said, whole

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
            "span_type": "tool",
            "input": '{"args": [], "kwargs": {"city": "Lisbon"}}',
            "output": '"dry"',
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
    "LangWatch's root": (
        {
            "langwatch.span.type": "span",
            "langwatch.input": '{"type": "text", "value": "Rain in Lisbon?"}',
            "langwatch.output": '{"type": "json", "value": {"reply": "dry"}}',
            "metadata": json.dumps(
                {"threadId": "t1", "user_id": 7, "labels": ["a"], "customer_id": "c1", "plan": {"name": "pro"}}
            ),
        },
        {
            "span_type": "span",
            "input": "Rain in Lisbon?",
            "output": '{"reply": "dry"}',
            "thread_id": "t1",
            "user_id": "7",
            "customer_id": "c1",
            "labels": ("a",),
            "metadata": {"plan": {"name": "pro"}},
        },
    ),
    "LangWatch's messages": (
        {
            "langwatch.span.type": "llm",
            "langwatch.input": json.dumps({"type": "chat_messages", "value": OPENAI}),
            "langwatch.output": json.dumps({"type": "list", "value": [{"type": "text", "value": "It is dry."}]}),
        },
        {"span_type": "llm", "input_messages": ALL, "output": "It is dry."},
    ),
    "Vercel, the call to the model": (
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.id": "gpt-4o",
            "ai.model.provider": "openai.chat",
            "ai.usage.promptTokens": 20,
            "ai.usage.completionTokens": 4,
            "ai.prompt.messages": json.dumps(
                [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": [{"type": "text", "text": "Rain in Lisbon?"}]},
                    {
                        "role": "assistant",
                        "content": [
                            {
                                "type": "tool-call",
                                "toolCallId": "call_1",
                                "toolName": "weather",
                                "input": {"city": "Lisbon"},
                            }
                        ],
                    },
                    {
                        "role": "tool",
                        "content": [
                            {
                                "type": "tool-result",
                                "toolCallId": "call_1",
                                "toolName": "weather",
                                "output": {"type": "json", "value": {"rain": False}},
                            }
                        ],
                    },
                ]
            ),
            "ai.response.text": "I look once more.",
            "ai.response.toolCalls": '[{"toolCallId": "call_1", "toolName": "weather", "args": {"city": "Lisbon"}}]',
        },
        {
            "operation": "ai.generateText.doGenerate",
            "span_type": "llm",
            "model": "gpt-4o",
            "provider": "openai.chat",
            "input_tokens": 20,
            "output_tokens": 4,
            "input_messages": (SYSTEM, ASKED, CALLED, ANSWERED._replace(name="weather")),
            "output_messages": (said("assistant", "I look once more.", CALL),),
        },
    ),
    "Vercel, the whole": (
        {
            "ai.operationId": "ai.generateText",
            "ai.prompt": '{"system": "Be brief.", "prompt": "Rain in Lisbon?"}',
            "ai.response.text": "It is dry.",
        },
        {
            "operation": "ai.generateText",
            "span_type": "agent",
            "input_messages": (SYSTEM, ASKED),
            "output_messages": (SAID,),
        },
    ),
    "Vercel, a tool": (
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "weather",
            "ai.toolCall.args": '{"city": "Lisbon"}',
            "ai.toolCall.result": '{"rain": false}',
        },
        {
            "operation": "ai.toolCall",
            "span_type": "tool",
            "tool_name": "weather",
            "input": '{"city": "Lisbon"}',
            "output": '{"rain": false}',
        },
    ),
    "Langfuse": (
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o",
            "langfuse.observation.input": json.dumps(OPENAI),
            "langfuse.observation.output": '{"role": "assistant", "content": "It is dry."}',
            "langfuse.observation.usage_details": '{"input": 20, "output": 4, "total": 24}',
            "langfuse.trace.tags": "a, b",
            "session.id": "t1",
            "user.id": "u1",
        },
        {
            "span_type": "llm",
            "model": "gpt-4o",
            "input_tokens": 20,
            "output_tokens": 4,
            "input_messages": ALL,
            "output_messages": (SAID,),
            "thread_id": "t1",
            "user_id": "u1",
            "labels": ("a", "b"),
        },
    ),
    "MLflow": (
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps({"model": "gpt-4o", "messages": OPENAI}),
            "mlflow.spanOutputs": json.dumps(
                {"choices": [{"index": 0, "message": {"role": "assistant", "content": "It is dry."}}]}
            ),
            "mlflow.chat.tokenUsage": '{"input_tokens": 20, "output_tokens": 4}',
        },
        {"span_type": "llm", "input_tokens": 20, "output_tokens": 4, "input_messages": ALL, "output_messages": (SAID,)},
    ),
    "MLflow, a function": (
        {"mlflow.spanInputs": '{"city": "Lisbon"}', "mlflow.spanOutputs": '"dry"'},
        {"input": '{"city": "Lisbon"}', "output": "dry"},
    ),
    "pydantic-ai's agent": (
        {
            "gen_ai.operation.name": "invoke_agent",
            "model_name": "gpt-4o",
            "gen_ai.aggregated_usage.input_tokens": 40,
            "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
            "pydantic_ai.all_messages": json.dumps([*PARTS[1:], *ANSWER]),
            "final_result": "It is dry.",
        },
        {
            "operation": "invoke_agent",
            "span_type": "agent",
            "input_messages": ALL,
            "output_messages": (SAID,),
        },
    ),
    "pydantic-ai's agent of yesterday": (
        {
            "all_messages_events": json.dumps(
                [
                    {"role": "user", "content": "Rain in Lisbon?", "event.name": "gen_ai.user.message"},
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": CALL[2]}}
                        ],
                        "event.name": "gen_ai.assistant.message",
                    },
                    {"role": "tool", "id": "call_1", "content": '{"rain": false}', "event.name": "gen_ai.tool.message"},
                    {"role": "assistant", "content": "It is dry.", "event.name": "gen_ai.assistant.message"},
                ]
            )
        },
        {"input_messages": (ASKED, CALLED, ANSWERED), "output_messages": (SAID,)},
    ),
    "a tool by the conventions": (
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.arguments": '{"role": "boss"}',
            "gen_ai.tool.call.result": {"rain": False},
        },
        {
            "operation": "execute_tool",
            "span_type": "tool",
            "tool_name": "weather",
            "input": '{"role": "boss"}',
            "output": '{"rain": false}',
        },
    ),
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
    assert whole(found) == {"thread_id": "t1", "input_messages": ALL, "output_messages": (SAID,)}


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
