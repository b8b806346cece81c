"""Names and numbers of a span: ids, model, tokens, tool, and what kind of step it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .keys import Meaning
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
    "default": "span",
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


def read(
    groups: Mapping[str, Sequence[Meaning]], attributes: Mapping[str, Any], fields: dict[str, Any], took: dict[str, str]
) -> None:
    """Take names and numbers: of each field the first that makes sense."""
    for field, meanings in groups.items():
        if (reading := READ.get(field)) is not None:
            for meaning in meanings:
                key = meaning[2]
                if (value := reading(attributes[key])) is not None:
                    fields[field] = value
                    took[field] = key
                    break
    for meaning in groups.get("usage", ()):
        usage = object_of(attributes[meaning.key])
        for field, keys in _USAGE.items():
            count = next((count_of(usage[key]) for key in keys if key in usage), None)
            if field not in fields and count is not None:
                fields[field] = count
                took[field] = meaning.key


def complete(facts: dict[str, Any], took: dict[str, str], span_name: str) -> None:
    """Say in LangWatch's words what kind of step a span is, from its type or else from its operation."""
    if "span_type" in facts:
        kind = facts["span_type"]
        kind = _BY_OPERATION.get(kind) or _TYPES.get(kind.lower(), kind.lower())
        facts["span_type"] = None if kind == _UNKNOWN else kind
        if kind == "tool" and "operation" not in facts:
            facts["operation"] = "execute_tool"
            took["operation"] = took["span_type"]
    elif (kind := _BY_OPERATION.get(facts.get("operation", ""))) is not None:
        facts["span_type"] = kind
        took["span_type"] = took["operation"]
    if facts.get("operation") == "execute_tool" and "tool_name" not in facts and span_name.startswith(_EXECUTE_TOOL):
        facts["tool_name"] = id_of(span_name[len(_EXECUTE_TOOL) :])
