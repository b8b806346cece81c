"""Conversations in OpenTelemetry: thread and user ids on every span of a request, for any OTLP backend.

Importing this loads the OpenTelemetry API only; names that need the SDK load it at their first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .current import (
    Trace,
    get_conversation,
    get_current_span,
    get_current_trace,
    set_conversation,
)
from .decorators import conversation, span, trace
from .errors import ConfigurationError, LangWatchOtelError
from .fields import arg
from .identity import Conversation
from .span_handle import Span

if TYPE_CHECKING:
    from .border import inject
    from .exclude_rules import SpanExcludeRule
    from .instrumentor import LangWatchInstrumentor
    from .log_processor import ConversationLogProcessor
    from .span_exporter import ConversationSpanExporter
    from .span_processor import ConversationSpanProcessor
    from .startup import ensure_setup, setup

__all__ = [
    "ConfigurationError",
    "Conversation",
    "ConversationLogProcessor",
    "ConversationSpanExporter",
    "ConversationSpanProcessor",
    "LangWatchInstrumentor",
    "LangWatchOtelError",
    "Span",
    "SpanExcludeRule",
    "Trace",
    "arg",
    "conversation",
    "ensure_setup",
    "get_conversation",
    "get_current_span",
    "get_current_trace",
    "inject",
    "set_conversation",
    "setup",
    "span",
    "trace",
]

# The SDK's, OpenTelemetry's propagators and what few need: loaded at their first use.
_LATER = {
    "ConversationLogProcessor": "log_processor",
    "ConversationSpanExporter": "span_exporter",
    "ConversationSpanProcessor": "span_processor",
    "LangWatchInstrumentor": "instrumentor",
    "SpanExcludeRule": "exclude_rules",
    "ensure_setup": "startup",
    "inject": "border",
    "setup": "startup",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("langwatch-otel")
    module = _LATER.get(name)
    if module is None:
        from .langwatch_sdk import NAMES, missing  # Not `from .`, which would ask this function.

        raise missing(f"module {__name__!r}", name, NAMES)
    return getattr(import_module(f".{module}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
