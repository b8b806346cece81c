"""Logfire's names."""

from ..attributes import GEN_AI_CONVERSATION_ID
from ._convention import GENAI_SPANS, Convention, Reads, Write

CONVENTION = Convention(
    "logfire",
    "Pydantic Logfire",
    evidence=(
        "pydantic/logfire: docs/guides/web-ui/agents.md",
        "pydantic/logfire: logfire/_internal/scrubbing.py",
    ),
    writes=(
        Write("thread_id", GEN_AI_CONVERSATION_ID, GENAI_SPANS),
        Write("labels", "logfire.tags"),
    ),
    reads=Reads(thread_id=(GEN_AI_CONVERSATION_ID,), labels=("logfire.tags",)),
    notes=(
        "Its SDK scrubs `session.id`, and every value that holds `session` or `auth` (`auth0|42`, `session-42`), by"
        " default; `gen_ai.conversation.id` stays, whatever its value.",
    ),
)
