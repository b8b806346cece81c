"""PostHog's names.

Its processor sends AI spans alone, so its own key is of use there and nowhere else. `$session_id` is the browser's
session, not a conversation; `posthog.distinct_id` would outrank the `user.id` that an application set.
"""

from ..attributes import USER_ID
from ._convention import GENAI_SPANS, Convention, Reads, Write

CONVENTION = Convention(
    "posthog",
    "PostHog",
    evidence=(
        "PostHog/posthog-python: posthog/ai/otel/_request_context.py",
        "PostHog/posthog-python: posthog/ai/otel/spans.py",
        "https://posthog.com/docs/llm-analytics/sessions",
    ),
    writes=(
        Write("thread_id", "$ai_session_id", GENAI_SPANS),
        Write("user_id", USER_ID),
    ),
    reads=Reads(
        thread_id=("$ai_session_id",),
        user_id=(
            "posthog.distinct_id",
            USER_ID,
            "ai.telemetry.metadata.posthog_distinct_id",
            "ai.settings.context.posthog_distinct_id",
        ),
    ),
    notes=("`$session_id` is the browser's session there, and another thing: it is not read as a thread.",),
)
