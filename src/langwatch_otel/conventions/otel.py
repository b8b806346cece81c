"""OpenTelemetry's own names: the semantic conventions, general and GenAI.

`gen_ai.conversation.id` stays off other spans: vendors' "AI spans only" filters test for the
`gen_ai.` prefix and would export, and bill, every HTTP and database span that carries it.
"""

from .. import attributes
from ._convention import Convention

OTEL = Convention(
    "otel",
    every_span={"thread_id": attributes.SESSION_ID, "user_id": attributes.USER_ID},
    genai_spans={"thread_id": attributes.GEN_AI_CONVERSATION_ID},
)
