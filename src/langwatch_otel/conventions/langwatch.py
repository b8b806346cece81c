"""LangWatch's names, as its server reads them."""

from .. import attributes
from ._convention import Convention

LANGWATCH = Convention(
    "langwatch",
    every_span={"customer_id": attributes.LANGWATCH_CUSTOMER_ID, "labels": attributes.LANGWATCH_LABELS},
    genai_spans={"thread_id": attributes.LANGWATCH_THREAD_ID},
    metadata_prefix=attributes.LANGWATCH_METADATA,
)
