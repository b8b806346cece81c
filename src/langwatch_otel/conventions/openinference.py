"""OpenInference's names: Phoenix, Arize and whoever reads their instrumentations.

Labels and metadata go where OpenInference's own instrumentations write them, on GenAI spans: `metadata` is a name that
an application may well use for something else on an HTTP span.
"""

from ..attributes import GEN_AI_CONVERSATION_ID, INPUT_VALUE, OUTPUT_VALUE, SESSION_ID, USER_ID
from ._convention import GENAI_SPANS, JSON, LOCAL_ROOT, Convention, Reads, Write

CONVENTION = Convention(
    "openinference",
    "OpenInference: Phoenix, Arize",
    evidence=(
        "https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md",
        "Arize-ai/phoenix: src/phoenix/db/insertion/span.py",
    ),
    writes=(
        Write("thread_id", SESSION_ID),
        Write("user_id", USER_ID),
        Write("labels", "tag.tags", GENAI_SPANS),
        Write("metadata", "metadata", GENAI_SPANS, JSON),
        # Phoenix shows what the root of the trace says as the text of the turn.
        Write("input", INPUT_VALUE, LOCAL_ROOT),
        Write("output", OUTPUT_VALUE, LOCAL_ROOT),
    ),
    reads=Reads(
        thread_id=(SESSION_ID, GEN_AI_CONVERSATION_ID),
        user_id=(USER_ID,),
        labels=("tag.tags",),
        metadata=("metadata",),
        input=("llm.input_messages.", INPUT_VALUE),
        output=("llm.output_messages.", OUTPUT_VALUE),
    ),
    notes=("The first session that arrives names the trace, so every span carries the same one.",),
)
