"""What a vendor's declaration says."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
