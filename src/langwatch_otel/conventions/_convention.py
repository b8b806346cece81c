"""What a vendor's declaration says."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reads:
    """Where a vendor's spans carry a field: its keys, in the vendor's own order of preference."""

    thread_id: tuple[str, ...] = ()
    user_id: tuple[str, ...] = ()
    customer_id: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    """Keys that hold a JSON object."""
    metadata_prefixes: tuple[str, ...] = ()
    """What follows the prefix is the metadata key."""
    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


@dataclass(frozen=True)
class Convention:
    """One vendor's spelling: our field on the left, the span attribute on the right."""

    name: str
    every_span: Mapping[str, str] = field(default_factory=dict)
    """Written on every span of the conversation."""
    genai_spans: Mapping[str, str] = field(default_factory=dict)
    """Written on GenAI spans and on the spans that our decorators make."""
    metadata_prefix: str = ""
    """Each metadata key is written under this prefix; empty writes none."""
    reads: Reads = field(default_factory=Reads)
    """What `canonical()` looks for."""
