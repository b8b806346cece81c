"""OpenTelemetry's own names: the semantic conventions, general and GenAI.

`gen_ai.conversation.id` stays off other spans: vendors' "AI spans only" filters test for the
`gen_ai.` prefix and would export, and bill, every HTTP and database span that carries it.
"""

from ..attributes import GEN_AI_CONVERSATION_ID, SESSION_ID, USER_HASH, USER_ID
from ._convention import GENAI_SPANS, Convention, Reads, Write

CONVENTION = Convention(
    "otel",
    "OpenTelemetry semantic conventions",
    evidence=(
        "https://github.com/open-telemetry/semantic-conventions-genai",
        "https://opentelemetry.io/docs/specs/semconv/registry/attributes/session/",
        "https://opentelemetry.io/docs/specs/semconv/registry/attributes/user/",
        "https://opentelemetry.io/docs/specs/semconv/registry/attributes/enduser/",
    ),
    writes=(
        Write("thread_id", SESSION_ID),
        Write("user_id", USER_ID),
        Write("thread_id", GEN_AI_CONVERSATION_ID, GENAI_SPANS),
    ),
    reads=Reads(
        thread_id=(SESSION_ID, GEN_AI_CONVERSATION_ID),
        user_id=(USER_ID, USER_HASH, "enduser.id", "enduser.pseudo.id"),
        input=("gen_ai.input.messages",),
        output=("gen_ai.output.messages",),
    ),
    notes=("Read as it is by most backends, Honeycomb and Datadog LLM Observability among them.",),
)
