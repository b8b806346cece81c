"""Which spans are GenAI spans: those that vendors' "AI spans only" filters let through anyway."""

from collections.abc import Iterable
from functools import lru_cache

from .attributes import GEN_AI_PREFIX

# Instrumentations of language models, agents and vector stores, by how their scope's name begins ...
_BEGINNINGS = (
    "gcp.vertex.agent",
    "langfuse-sdk",
    "lmnr.",
    "logfire.anthropic",
    "logfire.openai",
    "opentelemetry.instrumentation.genai",
    "opentelemetry.util.genai",
    "openinference.",
    "pydantic-ai",
    "strands.",
    "traceloop.",
)
# ... or by the library in `opentelemetry.instrumentation.LIBRARY`, and in OpenLIT's words for the same.
_LIBRARIES = frozenset(
    "agno alephalpha anthropic bedrock chromadb cohere crewai google_generativeai google_genai groq haystack"
    " lancedb langchain llamaindex marqo mcp milvus mistralai ollama openai openai_agents openai_v2 pinecone"
    " qdrant replicate sagemaker together transformers vertexai voyageai watsonx weaviate writer".split()
)
_CONTRIB = ("opentelemetry.instrumentation.", "openlit.instrumentation.")

APART = frozenset(("lmnr.tracer",))
"""Scopes whose spans start in a context of their vendor's own, which knows of no span and no conversation but its."""

OWN_SCOPE = "langwatch_otel"
"""The instrumentation scope of the spans that our decorators make."""


OTHER, OURS, AGENT = range(3)
"""What an instrumentation scope's spans are: no GenAI spans, our decorators', or of a model's or agent's."""


@lru_cache(maxsize=1024)
def kind_of_scope(name: str) -> int:
    """Return which of the three the spans of an instrumentation scope of that name are."""
    if name == OWN_SCOPE:
        return OURS
    if name.startswith(_BEGINNINGS):
        return AGENT
    library = name.partition(".instrumentation.")[2].split(".")[0] if name.startswith(_CONTRIB) else ""
    return AGENT if library in _LIBRARIES else OTHER


def is_genai_scope(name: str) -> bool:
    """Say whether an instrumentation scope of that name makes GenAI spans, ours included."""
    return kind_of_scope(name) != OTHER


def has_genai_key(keys: Iterable[str]) -> bool:
    """Say whether any of the attribute names is of GenAI."""
    return any(key.startswith(GEN_AI_PREFIX) for key in keys)
