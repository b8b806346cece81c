"""Google ADK, Vertex AI and Cloud Trace. `gcp.vertex.agent.session_id` is for the ADK alone to write."""

from ..attributes import GEN_AI_CONVERSATION_ID
from ._convention import GENAI_SPANS, Convention, Reads, Write

CONVENTION = Convention(
    "google",
    "Google ADK, Vertex AI, Cloud Trace",
    evidence=("google/adk-python: src/google/adk/telemetry/tracing.py",),
    writes=(Write("thread_id", GEN_AI_CONVERSATION_ID, GENAI_SPANS),),
    reads=Reads(
        thread_id=(GEN_AI_CONVERSATION_ID, "gcp.vertex.agent.session_id"),
        input=("gcp.vertex.agent.llm_request",),
        output=("gcp.vertex.agent.llm_response",),
    ),
)
