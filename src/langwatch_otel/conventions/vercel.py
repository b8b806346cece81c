"""Vercel's AI SDK: spans that are read. Nobody else's are expected under its names, so none are written."""

from ._convention import Convention, Reads

_METADATA = "ai.telemetry.metadata."

CONVENTION = Convention(
    "vercel",
    "Vercel AI SDK",
    evidence=("https://ai-sdk.dev/docs/ai-sdk-core/telemetry",),
    reads=Reads(
        thread_id=(_METADATA + "thread_id", _METADATA + "threadId", _METADATA + "sessionId"),
        user_id=(_METADATA + "user_id", _METADATA + "userId"),
        customer_id=(_METADATA + "customer_id", _METADATA + "customerId"),
        labels=(_METADATA + "labels", _METADATA + "tags"),
        metadata_prefixes=(_METADATA,),
        input=("ai.prompt.messages", "ai.prompt"),
        output=("ai.response.text",),
    ),
)
