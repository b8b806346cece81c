"""Names and numbers of a span: ids, model, tokens, tool, and what kind of step it is."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .canonical_span import Canonical
from .keys import Meaning
from .plans import Part, Plan
from .values import TOO_LARGE, count_of, id_of, labels_of, name_of, object_of

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
EXECUTE_TOOL = "execute_tool"


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


def facts_of(part: Part, attributes: Mapping[str, Any]) -> Canonical:
    """Return what kind of step a span is, in LangWatch's words, and the names that it has beside its conversation."""
    facts: dict[str, Any] = {}
    took: dict[str, str] = {}
    read(part.groups, attributes, facts, took)
    if "span_type" in facts:
        kind = facts["span_type"]
        kind = _BY_OPERATION.get(kind) or _TYPES.get(kind.lower(), kind.lower())
        facts["span_type"] = None if kind == _UNKNOWN else kind
        if kind == "tool" and "operation" not in facts:
            facts["operation"] = EXECUTE_TOOL
            took["operation"] = took["span_type"]
    elif (kind := _BY_OPERATION.get(facts.get("operation", ""))) is not None:
        facts["span_type"] = kind
        took["span_type"] = took["operation"]
    return Canonical(**facts, keys=(MappingProxyType(took),))


def tool_in(span_name: str) -> str | None:
    """Return the tool that a span's name says, as the conventions write it."""
    return id_of(span_name[len(EXECUTE_TOOL) + 1 :]) if span_name.startswith(EXECUTE_TOOL + " ") else None


def counts_of(plan: Plan, attributes: Mapping[str, Any]) -> tuple[int | None, int | None, Mapping[str, str]]:
    """Return the tokens that went in and came out, and the keys that said so."""
    if plan.first_counts is not None:
        asked, answered = plan.first_counts(attributes)
        if type(asked) is int and type(answered) is int and 0 <= asked < TOO_LARGE and 0 <= answered < TOO_LARGE:
            return asked, answered, plan.counted
    counts: dict[str, Any] = {}
    took: dict[str, str] = {}
    read(plan.counts, attributes, counts, took)
    for meaning in plan.counts.get("usage", ()):
        usage = object_of(attributes[meaning.key])
        for field, keys in _USAGE.items():
            for key in keys if field not in counts else ():
                if key in usage:
                    if (count := count_of(usage[key])) is not None:
                        counts[field] = count
                        took[field] = meaning.key
                    break
    return counts.get("input_tokens"), counts.get("output_tokens"), MappingProxyType(took)
