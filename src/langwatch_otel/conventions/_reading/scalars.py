"""Names and numbers of a span: ids, model, tokens, tool, and what kind of step it is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .values import count_of, id_of, labels_of, name_of, object_of

READ: Mapping[str, Callable[[object], Any]] = {
    "thread_id": id_of,
    "user_id": id_of,
    "customer_id": id_of,
    "labels": labels_of,
    "model": name_of,
    "provider": name_of,
    "operation": id_of,
    "input_tokens": count_of,
    "output_tokens": count_of,
    "tool_name": id_of,
    "span_type": name_of,
}
_USAGE = {
    "input_tokens": ("input_tokens", "input", "prompt_tokens", "promptTokens"),
    "output_tokens": ("output_tokens", "output", "completion_tokens", "completionTokens"),
}

# Other words for LangWatch's span types.
_TYPES = {
    "generation": "llm",
    "chat_model": "llm",
    "retriever": "rag",
    "evaluator": "evaluation",
    "function": "span",
    "parser": "span",
    "event": "span",
}
_UNKNOWN = "unknown"
_BY_OPERATION = {
    "chat": "llm",
    "completion": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "embeddings": "embedding",
    "retrieval": "rag",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "workflow",
    "ai.toolCall": "tool",
    "ai.generateText": "agent",
    "ai.streamText": "agent",
    "ai.generateText.doGenerate": "llm",
    "ai.streamText.doStream": "llm",
    "ai.generateObject.doGenerate": "llm",
    "ai.streamObject.doStream": "llm",
    "ai.embed.doEmbed": "embedding",
    "ai.embedMany.doEmbed": "embedding",
}
_EXECUTE_TOOL = "execute_tool "


def complete(facts: dict[str, Any], took: dict[str, str], span_name: str) -> None:
    """Say in LangWatch's words what kind of step a span is, from its type or else from its operation."""
    operation = facts.get("operation")
    if "span_type" in facts:
        kind = facts["span_type"].lower()
        facts["span_type"] = None if kind == _UNKNOWN else _TYPES.get(kind, kind)
    elif operation in _BY_OPERATION:
        facts["span_type"] = _BY_OPERATION[operation]
        took["span_type"] = took["operation"]
    if operation == "execute_tool" and "tool_name" not in facts and span_name.startswith(_EXECUTE_TOOL):
        facts["tool_name"] = id_of(span_name[len(_EXECUTE_TOOL) :])


def usage_of(found: Any) -> Iterator[tuple[str, int]]:
    """Yield the numbers of tokens in an object of them, by the names of their fields."""
    usage = object_of(found)
    for field, keys in _USAGE.items():
        count = next((count_of(usage[key]) for key in keys if key in usage), None)
        if count is not None:
            yield field, count
