"""LangSmith's names. `langsmith.trace.session_id` is a project there, so it is neither written nor read."""

from ._convention import COMMA, Convention, Reads, Write

_METADATA = "langsmith.metadata."

CONVENTION = Convention(
    "langsmith",
    "LangSmith",
    evidence=(
        "langchain-ai/langsmith-sdk: python/langsmith/_internal/otel/_otel_exporter.py",
        "https://docs.langchain.com/langsmith/trace-with-opentelemetry",
    ),
    writes=(
        Write("thread_id", _METADATA + "thread_id"),
        Write("user_id", _METADATA + "user_id"),
        Write("labels", "langsmith.span.tags", shape=COMMA),
        Write("metadata", _METADATA),
    ),
    reads=Reads(
        thread_id=(_METADATA + "thread_id", _METADATA + "session_id", _METADATA + "conversation_id"),
        user_id=(_METADATA + "user_id",),
        labels=("langsmith.span.tags",),
        metadata_prefixes=(_METADATA,),
        input=("gen_ai.prompt",),
        output=("gen_ai.completion",),
    ),
    notes=("Wants the thread on every run, so on every span.",),
)
