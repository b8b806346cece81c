"""New Relic's names.

`llm.conversation_id` goes on GenAI spans alone: PostHog's and Braintrust's "AI spans only" filters test for the
`llm.` prefix.
"""

from ._convention import GENAI_SPANS, Convention, Reads, Write

CONVENTION = Convention(
    "new_relic",
    "New Relic",
    evidence=("newrelic/newrelic-python-agent: newrelic/api/transaction.py",),
    writes=(
        Write("thread_id", "llm.conversation_id", GENAI_SPANS),
        Write("user_id", "enduser.id"),
    ),
    reads=Reads(thread_id=("llm.conversation_id",), user_id=("enduser.id",)),
)
