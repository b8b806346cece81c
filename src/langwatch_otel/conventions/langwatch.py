"""LangWatch's names, as its server reads them."""

from ..attributes import (
    GEN_AI_CONVERSATION_ID,
    LANGWATCH_CUSTOMER_ID,
    LANGWATCH_LABELS,
    LANGWATCH_METADATA,
    LANGWATCH_THREAD_ID,
    SESSION_ID,
    USER_ID,
)
from ._convention import GENAI_SPANS, Convention, Reads, Write

CONVENTION = Convention(
    "langwatch",
    "LangWatch",
    evidence=(
        "langwatch/langwatch: platform/app/src/server/app-layer/traces/canonicalisation/extractors/langwatch.ts",
        "https://docs.langwatch.ai/integration/metadata-and-labels",
    ),
    # The user is LangWatch's from `user.id`; the thread's own key wins where a library set another `session.id`.
    writes=(
        Write("customer_id", LANGWATCH_CUSTOMER_ID),
        Write("labels", LANGWATCH_LABELS),
        Write("thread_id", LANGWATCH_THREAD_ID, GENAI_SPANS),
        Write("metadata", LANGWATCH_METADATA),
    ),
    reads=Reads(
        thread_id=(
            LANGWATCH_THREAD_ID,
            "langwatch.thread_id",
            "thread_id",
            "langwatch.langgraph.thread_id",
            GEN_AI_CONVERSATION_ID,
            "gcp.vertex.agent.session_id",
            "mastra.metadata.threadId",
            SESSION_ID,
            "ai.telemetry.metadata.thread_id",
            "ai.telemetry.metadata.threadId",
        ),
        user_id=("langwatch.user.id", "langwatch.user_id", "user_id", USER_ID),
        customer_id=(LANGWATCH_CUSTOMER_ID, "langwatch.customer_id", "customer_id"),
        labels=(LANGWATCH_LABELS, "langwatch.tags", "tag.tags"),
        metadata=("metadata", "langwatch.metadata", "langwatch.trace"),
        metadata_prefixes=("metadata.", LANGWATCH_METADATA, "langwatch.trace."),
        input=("gen_ai.input.messages", "langwatch.input", "input.value"),
        output=("gen_ai.output.messages", "langwatch.output", "output.value"),
    ),
    notes=(
        "The first thread that arrives names the trace, so every span carries the same one.",
        "Ids that read as a JSON object or array (`[1]`, `{...}`) are parsed and lost on its side.",
    ),
)
