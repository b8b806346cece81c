"""Every attribute name that this package writes or looks for. No logic lives here."""

from typing import Final

SESSION_ID: Final = "session.id"
"""The thread, on every span. https://opentelemetry.io/docs/specs/semconv/registry/attributes/session/"""

USER_ID: Final = "user.id"
"""The person, on every span. https://opentelemetry.io/docs/specs/semconv/registry/attributes/user/"""

USER_HASH: Final = "user.hash"
"""The person's pseudonym, where there is a key for it; `user.id` is the same then. Same page."""

GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
"""The thread, on GenAI spans. https://github.com/open-telemetry/semantic-conventions-genai"""

LANGWATCH_THREAD_ID: Final = "langwatch.thread.id"
LANGWATCH_CUSTOMER_ID: Final = "langwatch.customer.id"
LANGWATCH_LABELS: Final = "langwatch.labels"
LANGWATCH_METADATA: Final = "langwatch.metadata."
"""A prefix: the metadata key follows."""

LANGWATCH_SPAN_TYPE: Final = "langwatch.span.type"

INPUT_VALUE: Final = "input.value"
INPUT_MIME_TYPE: Final = "input.mime_type"
OUTPUT_VALUE: Final = "output.value"
OUTPUT_MIME_TYPE: Final = "output.mime_type"
"""Input and output under OpenInference's names: the ones most backends show.
https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md"""

GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
LANGWATCH_PARAMS: Final = "langwatch.params"
LANGWATCH_METRICS: Final = "langwatch.metrics"
LANGWATCH_CONTEXTS: Final = "langwatch.rag_contexts"
LANGWATCH_TIMESTAMPS: Final = "langwatch.timestamps"

GEN_AI_PREFIX: Final = "gen_ai."
"""Any attribute that starts so makes a span a GenAI span."""

HTTP_METHODS: Final = frozenset(("http.request.method", "http.method"))
"""Today's and yesterday's name; a server span that starts with one is an HTTP request (a websocket has none)."""

EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
EXCEPTION_ESCAPED: Final = "exception.escaped"
"""Of the event "exception", as the SDK writes it. https://opentelemetry.io/docs/specs/semconv/exceptions/"""

TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds from the start of a generator to the first thing that it yields."""

LINK_KIND: Final = "langwatch.link.kind"
PREVIOUS_TURN: Final = "previous_turn"
"""Of the link from a turn's local root to the one of the turn before, in the same thread."""
