"""What each attribute key means, and which of several goes first. The order of preference is here and nowhere else.

A thread, a user, a customer, labels:

1. LangWatch's own dotted key (`langwatch.thread.id`): whoever wrote it meant exactly this, and an
   instrumentation that overwrites `gen_ai.conversation.id` leaves it alone.
2. The keys of every convention, in the order of the catalogue. OpenTelemetry stands first, so `session.id` goes
   before `gen_ai.conversation.id` and before a vendor's key that says otherwise: it is the one that every
   span carries, and a trace whose spans follow different keys falls apart into several threads.
3. Names inside of metadata: a JSON object first, then a key under a metadata prefix; in an object `thread_id`
   before `threadId`.
4. The resource, by the same order: it speaks for a process, a span for itself.

Content: messages before text, since they have roles; what is written on the span before events, and these before
log records; the conventions' own keys, in the order of the catalogue, last. Numbers and names: as they are listed.
"""

from collections.abc import Mapping, Sequence, Set
from sys import intern
from typing import NamedTuple

from ... import attributes
from ...privacy import utf8
from .._convention import Convention
from .indexed import path_of

NEVER = frozenset({"langsmith.trace.session_id", "langwatch.session.id"})
"""A LangSmith project and a constant of the LangWatch SDK: neither is a thread, whatever a prefix says."""

OURS = {
    attributes.LANGWATCH_THREAD_ID: "thread_id",
    "langwatch.user.id": "user_id",
    attributes.LANGWATCH_CUSTOMER_ID: "customer_id",
    attributes.LANGWATCH_LABELS: "labels",
}

NAMING = frozenset({"thread_id", "user_id", "customer_id", "labels", "metadata"})
"""The fields of a conversation."""

# What is never a conversation's, by what it is: the first that is there and makes sense.
SCALARS: Mapping[str, str] = {
    "model": (
        "gen_ai.response.model gen_ai.request.model llm.response.model_name llm.model_name llm.request.model_name"
        " ai.response.model ai.model.id langfuse.observation.model.name embedding.model_name mlflow.llm.model"
        " model_name"
    ),
    "provider": "gen_ai.provider.name gen_ai.system llm.provider llm.system ai.model.provider mlflow.llm.provider",
    "operation": "gen_ai.operation.name llm.request.type",
    "input_tokens": (
        "gen_ai.usage.input_tokens gen_ai.usage.prompt_tokens llm.token_count.prompt llm.usage.prompt_tokens"
        " ai.usage.inputTokens ai.usage.promptTokens"
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens gen_ai.usage.completion_tokens llm.token_count.completion"
        " llm.usage.completion_tokens ai.usage.outputTokens ai.usage.completionTokens"
    ),
    "usage": "langfuse.observation.usage_details mlflow.chat.tokenUsage",
    "tool_name": "gen_ai.tool.name tool.name ai.toolCall.name",
    "span_type": (
        "langwatch.span.type openinference.span.kind traceloop.span.kind langfuse.observation.type mlflow.spanType"
        " lmnr.span.type ai.operationId"
    ),
}

# How the value of a content key is read; any other is text, or JSON that may hold messages.
INPUTS: Mapping[str, str] = {
    "gen_ai.input.messages": "any",
    "gen_ai.system_instructions": "instructions",
    "llm.input_messages.": "indexed",
    "gen_ai.prompt.": "indexed",
    "ai.prompt.messages": "any",
    "ai.prompt": "prompt",
    "gen_ai.prompt": "any",
    "llm.prompts.": "texts",
    "gen_ai.tool.call.arguments": "text",
    "ai.toolCall.args": "text",
    "tool_arguments": "text",
}
OUTPUTS: Mapping[str, str] = {
    "gen_ai.output.messages": "any",
    "llm.output_messages.": "indexed",
    "gen_ai.completion.": "indexed",
    "ai.response.toolCalls": "calls",
    "ai.response.text": "said",
    "ai.response.object": "any",
    "gen_ai.completion": "any",
    "llm.choices.": "texts",
    "gen_ai.tool.call.result": "text",
    "ai.toolCall.result": "json",
    "tool_response": "text",
    "final_result": "any",
}
# Of the conventions' own keys: these always hold JSON, so the quotes around a text are not its own.
JSON = frozenset(
    {
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "lmnr.span.input",
        "lmnr.span.output",
        "traceloop.entity.input",
        "traceloop.entity.output",
    }
)

TRANSCRIPTS = ("pydantic_ai.all_messages", "all_messages_events", "events")

# These names could be anybody's; of pydantic-ai alone they are what they seem.
COMMON = frozenset({"events", "tool_arguments", "tool_response", "final_result", "model_name"})
COMMON_SCOPES = frozenset({"pydantic-ai", "logfire", ""})

MAX_KEY = 256
"""Characters of a key that is looked at."""
MAX_KEYS = 4096
"""Keys whose meaning is remembered."""


class Meaning(NamedTuple):
    """What a key stands for: a lower rank goes first."""

    field: str
    rank: int
    key: str
    how: str = ""
    """The form of content; the name of a metadata key, where it follows a prefix; the prefix, of a key with steps."""
    path: tuple[str, ...] = ()


class Meanings(dict[str, "Meaning | None"]):
    """From a key to what it means: known keys beforehand, others as they are met, so that a look-up costs little."""

    def __init__(self, conventions: Sequence[Convention], without: Set[str] = NEVER) -> None:
        super().__init__()
        self._without = without
        self._prefixes: list[tuple[str, str, int, str]] = []
        for rank, (key, field) in enumerate(OURS.items()):
            self._know(field, rank, key)
        for field, keys in SCALARS.items():
            for rank, key in enumerate(keys.split()):
                self._know(field, rank, key)
        for field, forms in (("input", INPUTS), ("output", OUTPUTS)):
            for rank, (key, how) in enumerate(forms.items()):
                self._know(field, rank, key, how)
        for rank, key in enumerate(TRANSCRIPTS):
            self._know("transcript", rank, key)
        rank = 1000
        for convention in conventions:
            for field in (*sorted(NAMING), "input", "output"):
                for key in getattr(convention.reads, field):
                    rank += 1
                    self._know(field, rank, key, _how(key))
            for prefix in convention.reads.metadata_prefixes:
                rank += 1
                self._prefixes.append((prefix, "metadata", rank, ""))
        # The longest first: what a vendor keeps under a longer one is not also the shorter one's.
        self._prefixes.sort(key=lambda prefix: -len(prefix[0]))
        self._known = dict(self)

    def _know(self, field: str, rank: int, key: str, how: str = "") -> None:
        if key.endswith("."):
            if not any(key == prefix for prefix, *_ in self._prefixes):
                self._prefixes.append((key, field, rank, how))
        elif key not in self._without:
            # Found faster in spans whose keys are shared too. Strangers' keys are not: some Pythons keep them for good.
            key = intern(key)
            self.setdefault(key, Meaning(field, rank, key, how))

    def __missing__(self, key: str) -> Meaning | None:
        if not isinstance(key, str) or len(key) > MAX_KEY:
            return None
        meaning = self._of(key)
        if len(self) >= MAX_KEYS:
            # Start again, so that a stranger's endless new keys displace each other and not the common ones for good.
            for known in [known for known in self.copy() if known not in self._known]:
                self.pop(known, None)
        self[key] = meaning
        return meaning

    def _of(self, key: str) -> Meaning | None:
        if key in self._without:
            return None
        for prefix, field, rank, how in self._prefixes:
            if not key.startswith(prefix) or len(key) == len(prefix):
                continue
            rest = key[len(prefix) :]
            if field == "metadata":
                return Meaning(field, rank, key, utf8(rest))
            path = path_of(rest)
            return Meaning(field, rank, key, how, path) if path else None
        return None


def _how(key: str) -> str:
    if key.endswith("."):
        return "indexed"
    return "json" if key in JSON else ""
