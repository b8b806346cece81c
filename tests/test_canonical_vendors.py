"""Whole spans of SDKs with names of their own, and all that is read from them."""

import json

import pytest

from _reading import (
    ALL,
    ANSWER,
    ANSWERED,
    ASKED,
    CALL,
    CALLED,
    OPENAI,
    PARTS,
    SAID,
    SYSTEM,
    canonical,
    said,
    whole,
)

SPANS = {
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
            "operation": "execute_tool",
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
            "model": "gpt-4o",
            "input_messages": (SYSTEM, ASKED),
            "output_messages": (CALLED, ANSWERED, SAID),
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
        {"input_messages": (ASKED,), "output_messages": (CALLED, ANSWERED, SAID)},
    ),
    "Laminar's texts, which are JSON": (
        {"traceloop.entity.input": '"Rain?"', "traceloop.entity.output": "null"},
        {"input": "Rain?"},
    ),
    "what Logfire's scrubber leaves": (
        {"session.id": "[Scrubbed due to 'session']", "gen_ai.conversation.id": "t1"},
        {"thread_id": "t1"},
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
}


@pytest.mark.parametrize("name", SPANS)
def test_a_span_is_read_whole(name):
    """All that a span says is read, and nothing else."""
    attributes, expected = SPANS[name]
    assert whole(canonical(attributes, span_name="execute_tool weather")) == expected
