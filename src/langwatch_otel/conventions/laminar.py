"""Laminar's names: it reads neither `session.id` nor `gen_ai.conversation.id`."""

from ._convention import Convention, Reads, Write

_PROPERTIES = "lmnr.association.properties."

CONVENTION = Convention(
    "laminar",
    "Laminar",
    evidence=(
        "lmnr-ai/lmnr: app-server/src/traces/spans.rs",
        "lmnr-ai/lmnr-python: src/lmnr/opentelemetry_lib/tracing/attributes.py",
    ),
    writes=(
        Write("thread_id", _PROPERTIES + "session_id"),
        Write("user_id", _PROPERTIES + "user_id"),
        Write("labels", _PROPERTIES + "tags"),
        Write("metadata", _PROPERTIES + "metadata."),
    ),
    reads=Reads(
        thread_id=(_PROPERTIES + "session_id",),
        user_id=(_PROPERTIES + "user_id",),
        labels=(_PROPERTIES + "tags",),
        metadata_prefixes=(_PROPERTIES + "metadata.",),
        input=("lmnr.span.input",),
        output=("lmnr.span.output",),
    ),
)
