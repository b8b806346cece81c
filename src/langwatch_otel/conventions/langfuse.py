"""Langfuse's names, as its server reads them.

On every span: its sessions add up all rows that have a session. `langfuse.` trips no "AI spans only" filter, its own
included: that one asks for the scope `langfuse-sdk`.
"""

from ..attributes import GEN_AI_CONVERSATION_ID, SESSION_ID, USER_ID
from ._convention import Convention, Limit, Reads, Write

_OWN = Limit(200, ascii=True)
_SHARED = Limit(200, ascii=True, beyond="the id is dropped")

CONVENTION = Convention(
    "langfuse",
    "Langfuse",
    evidence=(
        "langfuse/langfuse: packages/shared/src/server/otel/OtelIngestionProcessor.ts",
        "https://langfuse.com/docs/observability/features/sessions",
    ),
    writes=(
        Write("thread_id", "langfuse.session.id", limit=_OWN),
        Write("user_id", "langfuse.user.id", limit=_OWN),
        Write("labels", "langfuse.trace.tags"),
        Write("metadata", "langfuse.trace.metadata."),
    ),
    reads=Reads(
        thread_id=(
            "langfuse.session.id",
            SESSION_ID,
            GEN_AI_CONVERSATION_ID,
            "langfuse.observation.metadata.langfuse_session_id",
            "langfuse.trace.metadata.langfuse_session_id",
            "ai.telemetry.metadata.sessionId",
        ),
        user_id=(
            "langfuse.user.id",
            USER_ID,
            "langfuse.observation.metadata.langfuse_user_id",
            "langfuse.trace.metadata.langfuse_user_id",
            "ai.telemetry.metadata.userId",
        ),
        labels=("langfuse.trace.tags", "langfuse.tags", "tag.tags"),
        metadata=("langfuse.trace.metadata", "langfuse.observation.metadata"),
        metadata_prefixes=("langfuse.trace.metadata.", "langfuse.observation.metadata."),
        input=("langfuse.observation.input",),
        output=("langfuse.observation.output",),
    ),
    shared_limits={SESSION_ID: _SHARED, USER_ID: _SHARED},
    notes=(
        "Reads `session.id` and `user.id` too: turn it on for labels, for metadata, and for ids that are not ASCII.",
        "`gen_ai.conversation.id` alone does not name a trace there unless it is on the root.",
    ),
)
