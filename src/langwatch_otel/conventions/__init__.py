"""How each vendor spells a conversation on a span: one module per vendor, one line each in `CONVENTIONS`."""

from typing import TYPE_CHECKING, Any

from ._convention import Convention
from .langwatch import LANGWATCH
from .otel import OTEL

if TYPE_CHECKING:
    from ._reading import Canonical, Message, ToolCall, canonical

CONVENTIONS: tuple[Convention, ...] = (OTEL, LANGWATCH)
"""Earlier wins where two write the same attribute."""

__all__ = ["CONVENTIONS", "Canonical", "Convention", "Message", "ToolCall", "canonical"]

_FOR_READING = frozenset({"Canonical", "Message", "ToolCall", "canonical"})


def __getattr__(name: str) -> Any:
    # Tracing writes alone; what reads is loaded by those who read.
    if name in _FOR_READING:
        from importlib import import_module

        return getattr(import_module(f"{__name__}._reading"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
