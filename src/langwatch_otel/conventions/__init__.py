"""How each vendor spells a conversation on a span: one module per vendor, one line each in `NAMES`."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._convention import Convention
    from ._reading import Canonical, Message, ToolCall, canonical

    CONVENTIONS: tuple[Convention, ...]
    """All of them, in the order of `NAMES`."""

NAMES = (
    "otel",
    "langwatch",
    "langfuse",
    "openinference",
    "mlflow",
    "traceloop",
    "laminar",
    "langsmith",
    "opik",
    "logfire",
    "azure_monitor",
    "new_relic",
    "sentry",
    "posthog",
    "weave",
    "agentcore",
    "google",
    "vercel",
)
"""Earlier wins where two say the same thing differently. A module is loaded when its convention is asked for."""

__all__ = ["CONVENTIONS", "NAMES", "Canonical", "Message", "ToolCall", "canonical", "load"]

_FOR_READING = frozenset({"Canonical", "Message", "ToolCall", "canonical"})


@cache
def load(name: str) -> "Convention":
    """Return the convention of that name."""
    found: Convention = import_module(f".{name}", __name__).CONVENTION
    return found


def meant(word: str) -> list[str]:
    """Return the name that is closest to `word`, else those of the backend that it is part of the title of."""
    from ..errors import closest  # What says what is wrong with a setting alone asks.

    word = word.lower()
    titled = [name for name in NAMES if word and (word in name or word in load(name).title.lower())]
    return closest(word, NAMES) or titled


def __getattr__(name: str) -> Any:
    if name == "CONVENTIONS":
        return tuple(map(load, NAMES))
    if name in _FOR_READING:  # Tracing writes alone: what reads is loaded by those who read.
        return getattr(import_module("._reading", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
