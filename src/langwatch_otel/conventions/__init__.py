"""How each vendor spells a conversation on a span: one module per vendor, one line each in `CONVENTIONS`."""

from ._convention import Convention
from .langwatch import LANGWATCH
from .otel import OTEL

CONVENTIONS: tuple[Convention, ...] = (OTEL, LANGWATCH)
"""Earlier wins where two write the same attribute."""

__all__ = ["CONVENTIONS", "Convention"]
