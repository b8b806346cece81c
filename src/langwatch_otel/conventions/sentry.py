"""Sentry's names: its AI views group by OpenTelemetry's own."""

from ..attributes import GEN_AI_CONVERSATION_ID, USER_ID
from ._convention import GENAI_SPANS, Convention, Reads, Write

CONVENTION = Convention(
    "sentry",
    "Sentry",
    evidence=("getsentry/sentry-conventions: model/attributes/gen_ai/gen_ai__conversation__id.json",),
    writes=(
        Write("thread_id", GEN_AI_CONVERSATION_ID, GENAI_SPANS),
        Write("user_id", USER_ID),
    ),
    reads=Reads(thread_id=(GEN_AI_CONVERSATION_ID,), user_id=(USER_ID, "sentry.user.id")),
)
