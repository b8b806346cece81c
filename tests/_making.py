"""What kinds of endpoint are made with and made into."""

import importlib.util
import time
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel

import langwatch_otel as langwatch

NATIVE = importlib.util.find_spec("fastapi.telemetry") is not None
new_fastapi = pytest.mark.skipif(not NATIVE, reason="not run: this FastAPI makes no spans of its own")

# The spans of `Maker.work`: ended before the name, open meanwhile, started later.
WORK = ("before", "around", "inside", "after")
MEANT, TURN = "meant for", "turn"


class Maker:
    """What endpoints are made with: a provider with two exporters, one of which names at export."""

    def __init__(self):
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(langwatch.ConversationSpanProcessor())
        self.named, self.bare = InMemorySpanExporter(), InMemorySpanExporter()
        for exporter in (langwatch.ConversationSpanExporter(self.named), self.bare):
            # Exports when it is told to.
            self.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=600_000))
        self.tracer = self.provider.get_tracer("the application")
        self.named_at = {}

    def app(self):
        """A FastAPI application as it is where this provider is the global one."""
        telemetry = {"telemetry": {"tracer_provider": self.provider, "metrics": False}} if NATIVE else {}
        return FastAPI(openapi_url=None, **telemetry)

    def span(self, name, **attributes):
        """A span of the application's own, current for a block."""
        return self.tracer.start_as_current_span(name, attributes=attributes)

    def trace(self, **given):
        """`langwatch.trace` on this provider."""
        return langwatch.trace(tracer_provider=self.provider, **given)

    def note(self, thread):
        """Return `thread`, about to be named."""
        self.named_at.setdefault(thread, time.time_ns())
        return thread

    def work(self, thread):
        """Name the conversation in the middle of things, unless this request has none."""
        number = len(self.named_at)
        meant = {MEANT: thread, TURN: number} if thread is not None else {}
        with self.span("before", **meant):
            pass
        with self.span("around", **meant):
            if thread is not None:
                self.named_at[number] = time.time_ns()
                langwatch.set_conversation(thread_id=self.note(thread))
            with self.span("inside", **meant):
                pass
        with self.span("after", **meant):
            pass

    def take(self):
        """Return what was exported since the last time, by either exporter."""
        self.provider.force_flush()
        taken = self.named.get_finished_spans(), self.bare.get_finished_spans()
        self.named.clear()
        self.bare.clear()
        return taken


@dataclass(frozen=True)
class Kind:
    """A kind of endpoint: how to make an application of it, and how to talk to that."""

    label: str
    build: object
    spans: tuple
    """The application's own, of each turn."""
    status: int = 200
    talk: object = None
    """Called with a port, headers and a thread, where it is not one POST; returns the number of turns."""
    note: str = ""
    """Why some span has no id, or a wrong one."""
    late: str = ""
    """Why, without `ConversationSpanExporter`, some span has none that ended after the naming."""


KINDS = []


class Turn(BaseModel):
    thread: str | None


def kind(label, *spans, **more):
    """Add a kind of endpoint: the decorated function gives an application its routes."""

    def add(build):
        KINDS.append(Kind(label, build, spans, **more))
        return build

    return add
