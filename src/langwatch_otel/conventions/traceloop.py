"""Traceloop's names, which Helicone reads too.

On GenAI spans alone: PostHog's and Braintrust's "AI spans only" filters test for the `traceloop.` prefix.
"""

from ..attributes import GEN_AI_CONVERSATION_ID
from ._convention import GENAI_SPANS, Convention, Reads, Write

_PROPERTIES = "traceloop.association.properties."

CONVENTION = Convention(
    "traceloop",
    "Traceloop (OpenLLMetry), Helicone",
    evidence=(
        "traceloop/openllmetry: packages/traceloop-sdk/traceloop/sdk/associations/associations.py",
        "traceloop/openllmetry: packages/traceloop-sdk/traceloop/sdk/tracing/tracing.py",
        "https://github.com/Helicone/helicone/pull/2540",
    ),
    writes=(
        Write("thread_id", GEN_AI_CONVERSATION_ID, GENAI_SPANS),
        Write("thread_id", _PROPERTIES + "session_id", GENAI_SPANS),
        Write("user_id", _PROPERTIES + "user_id", GENAI_SPANS),
        Write("customer_id", _PROPERTIES + "customer_id", GENAI_SPANS),
        Write("metadata", _PROPERTIES, GENAI_SPANS),
    ),
    reads=Reads(
        # LangGraph's `configurable` comes as it is: there it is `thread_id`.
        thread_id=(GEN_AI_CONVERSATION_ID, _PROPERTIES + "session_id", _PROPERTIES + "thread_id"),
        user_id=(_PROPERTIES + "user_id",),
        customer_id=(_PROPERTIES + "customer_id",),
        metadata_prefixes=(_PROPERTIES,),
        input=("gen_ai.prompt.", "traceloop.entity.input"),
        output=("gen_ai.completion.", "traceloop.entity.output"),
    ),
    notes=("Helicone reads `traceloop.association.properties.*` alone: there the thread needs this convention too.",),
)
