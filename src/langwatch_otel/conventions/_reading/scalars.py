"""Names and numbers of a span: ids, model, tokens, tool, and what kind of step it is."""

from collections.abc import Mapping
from operator import itemgetter
from types import MappingProxyType

from .grouped import Attributes, Grouped
from .values import TOO_LARGE, count_of, id_of, object_of

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
COUNTS = ("input_tokens", "output_tokens")


Facts = tuple[str | None, str | None, str | None, str | None, str | None, Mapping[str, str]]
"""Model, provider, operation, tool, span type in LangWatch's words, and the keys that said so."""

NO_FACTS: Facts = (None, None, None, None, None, MappingProxyType({}))


def facts_of(keys: Grouped, attributes: Attributes) -> Facts:
    """Return what kind of step a span is, in LangWatch's words, and its names."""
    facts, first = keys.scalars(attributes)
    took = dict(first)
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
    of = facts.get
    names = (of("model"), of("provider"), of("operation"), of("tool_name"), of("span_type"))
    return (*names, MappingProxyType(took))


def tool_in(span_name: str) -> str | None:
    """Return the tool that a span's name says, as the conventions write it."""
    return id_of(span_name[len(EXECUTE_TOOL) + 1 :]) if span_name.startswith(EXECUTE_TOOL + " ") else None


class Counts:
    """The keys of a span that say how many tokens went in and came out."""

    __slots__ = ("_both", "_keys", "_took")

    def __init__(self, keys: Grouped) -> None:
        self._keys = keys
        firsts = {field: keys.groups[field][0].key for field in COUNTS if field in keys.groups}
        self._took = MappingProxyType(firsts)
        self._both = itemgetter(*firsts.values()) if len(firsts) == len(COUNTS) else None

    def read(self, attributes: Attributes) -> tuple[int | None, int | None, Mapping[str, str]]:
        """Return the tokens that went in and came out, and the keys that said so."""
        if self._both is not None:
            asked, answered = self._both(attributes)
            if type(asked) is int and type(answered) is int and 0 <= asked < TOO_LARGE and 0 <= answered < TOO_LARGE:
                return asked, answered, self._took
        counts, first = self._keys.scalars(attributes)
        took = dict(first)
        for meaning in self._keys.groups.get("usage", ()):
            usage = object_of(attributes[meaning.key])
            for field, keys in _USAGE.items():
                for key in keys if field not in counts else ():
                    if key in usage:
                        if (count := count_of(usage[key])) is not None:
                            counts[field] = count
                            took[field] = meaning.key
                        break
        return counts.get("input_tokens"), counts.get("output_tokens"), MappingProxyType(took)
