"""The case files, one for each convention: what is written for a whole conversation, and what is read."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "conventions"
CASES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}

# What the cases are written for.
WHOLE = {
    "thread_id": "thread-1",
    "user_id": "user-1",
    "customer_id": "customer-1",
    "labels": ["beta", "de"],
    "metadata": {"plan": "pro", "seats": 3},
}

KINDS = ("plain", "genai", "server", "turn")
"""An application's span, one of an AI library, an HTTP server's that is the local root, and a `trace()` that is one."""

GENAI_SCOPE = "opentelemetry.instrumentation.openai"


def spans_of_each_kind(recorder, langwatch, **fields):
    """Make a span of each of KINDS in a conversation of `fields`; return {kind: span}."""
    genai = recorder.provider.get_tracer(GENAI_SCOPE)
    with langwatch.trace(name="turn", capture_input=False, capture_output=False, **fields):
        recorder.tracer.start_span("plain").end()
        genai.start_span("genai").end()
    with recorder.tracer.start_as_current_span("server"), langwatch.conversation(**fields):
        pass
    return {span.name: span for span in recorder.spans}


def attributes_of(span):
    """The attributes of a span as JSON has them, without what a `trace()` says of itself."""
    found = {key: list(value) if isinstance(value, tuple) else value for key, value in span.attributes.items()}
    found.pop("langwatch.span.type", None)
    return found
