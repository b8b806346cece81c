"""Opik's names. Labels and metadata are the trace's: the local root carries them once."""

from ..attributes import GEN_AI_CONVERSATION_ID, SESSION_ID
from ._convention import GENAI_SPANS, LOCAL_ROOT, Convention, Reads, Write

CONVENTION = Convention(
    "opik",
    "Opik (Comet)",
    evidence=(
        "comet-ml/opik: apps/opik-backend/src/main/java/com/comet/opik/domain/mapping/otel/GeneralMappingRules.java",
        "comet-ml/opik: apps/opik-backend/src/main/java/com/comet/opik/domain/mapping/"
        "OpenTelemetryMappingRuleFactory.java",
    ),
    writes=(
        Write("thread_id", SESSION_ID),
        Write("thread_id", GEN_AI_CONVERSATION_ID, GENAI_SPANS),
        Write("labels", "opik.tags", LOCAL_ROOT),
        Write("metadata", "opik.metadata.", LOCAL_ROOT),
    ),
    reads=Reads(
        thread_id=("thread_id", GEN_AI_CONVERSATION_ID, SESSION_ID),
        labels=("opik.tags",),
        metadata=("opik.metadata",),
        metadata_prefixes=("opik.metadata.",),
    ),
    notes=("Has no field for the user.",),
)
