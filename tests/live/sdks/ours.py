"""langwatch-otel, as its README says."""

import os
from contextlib import contextmanager

import langwatch_otel as langwatch

from .plain import bare_client as client  # setup() has instrumented it.

__all__ = ["client"]

turn = langwatch.trace()
exporter = langwatch.ConversationSpanExporter


def set_up():
    """Turn it on where there is nothing; the variables of OpenTelemetry say where to."""
    langwatch.setup()


def join():
    """Turn it on where a vendor's SDK has made the provider, and its exporters."""
    vendor = os.environ.get("CONVENTION")
    conventions = {"conventions": ["otel", "langwatch", vendor]} if vendor else {}
    langwatch.LangWatchInstrumentor().instrument(backfill=True, **conventions)


@contextmanager
def naming(thread_id, user_id):
    """Name the conversation, late."""
    langwatch.get_current_trace().update(metadata={"thread_id": thread_id, "user_id": user_id})
    yield
