"""Every kind of endpoint on a real server, in turn; what came out of it, named at export and not."""

import http.client
import importlib.util
import json
import logging
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import langwatch_otel as langwatch
from langwatch_otel import _guard
from langwatch_otel.cli.app_server import AppServer

NATIVE = importlib.util.find_spec("fastapi.telemetry") is not None
QUIET = {"exclude_spans": ["receive", "send"]}
OWN, CONTRIB, CONTRIB_QUIET = "FastAPI's own", "contrib's", "contrib's, without `receive` and `send`"
MODES = {**({OWN: None} if NATIVE else {}), CONTRIB: {}, CONTRIB_QUIET: QUIET}

# The spans of `Maker.work`: ended before the name, open meanwhile, started later.
WORK = ("before", "around", "inside", "after")
MEANT = "meant for"


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

    def span(self, name, thread=None):
        """A span of the application's own, current for a block, meant for `thread`, else for the request's."""
        return self.tracer.start_as_current_span(name, attributes={MEANT: thread} if thread else None)

    def trace(self, **given):
        """`langwatch.trace` on this provider."""
        return langwatch.trace(tracer_provider=self.provider, **given)

    def note(self, thread):
        """Return `thread`, about to be named."""
        self.named_at.setdefault(thread, time.time_ns())
        return thread

    def name(self, thread):
        """Name the conversation, unless this request has none."""
        if thread is not None:
            langwatch.set_conversation(thread_id=self.note(thread))

    def work(self, thread):
        """Name the conversation in the middle of things."""
        with self.span("before", thread):
            pass
        with self.span("around", thread):
            self.name(thread)
            with self.span("inside", thread):
                pass
        with self.span("after", thread):
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
    lacking: tuple = ()
    """The spans that have no id, however they are exported."""
    why: str = ""


@dataclass(frozen=True)
class Request:
    """What came of one request."""

    thread: str | None
    spans: list
    """(name, meant for, thread as named at export, thread without that, whether it ended before the name) of each."""
    turns: int
    own: Counter


class _Applications:
    """An ASGI application that is many, chosen by a header; says when a request is over."""

    def __init__(self, applications):
        self._applications = applications
        self.over = threading.Semaphore(0)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return
        try:
            await self._applications[int(dict(scope["headers"])[b"kind"])](scope, receive, send)
        finally:
            self.over.release()


def _post(connection, kind, headers, thread):
    connection.request("POST", "/turn", json.dumps({"thread": thread}), {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == kind.status
    return 1


def measure(mode, kinds):
    """Return {kind's label: its requests}, all of them one after the other, on one connection where that can be.

    Each kind is asked with a thread, without any, and with another.
    """
    maker, applications = Maker(), []
    for kind in kinds:
        app = maker.app()
        kind.build(app, maker)
        if MODES[mode] is not None:
            FastAPIInstrumentor.instrument_app(app, tracer_provider=maker.provider, **MODES[mode])
        applications.append(app)
    served = _Applications(applications)
    found = {}
    try:
        with AppServer(served) as server, mistakes() as said:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            for number, kind in enumerate(kinds):
                headers = {"kind": str(number)}
                requests = []
                for thread in (f"{number} one", None, f"{number} two"):
                    talk = kind.talk
                    turns = (
                        talk(server.port, headers, thread) if talk else _post(connection, kind, headers, thread)
                    )
                    assert served.over.acquire(timeout=20)
                    requests.append(_request(maker, thread, turns))
                found[kind.label] = requests
            connection.close()
            assert said == []
    finally:
        for app in applications if MODES[mode] is not None else ():
            FastAPIInstrumentor.uninstrument_app(app)
        maker.provider.shutdown()
    return found


@contextmanager
def mistakes():
    """Collect what our logger says of mistakes of ours that were swallowed."""
    said, handler = [], logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage()) if "failed while" in record.getMessage() else None
    before, _guard._said = _guard._said, set()
    logger = logging.getLogger("langwatch_otel")
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        _guard._said = before


def _request(maker, thread, turns):
    named, bare = ({span.context.span_id: span for span in spans} for spans in maker.take())
    assert named.keys() == bare.keys()
    spans, own = [], Counter()
    for key, span in bare.items():
        meant = span.attributes.get(MEANT, thread)
        by_application = span.instrumentation_scope.name in ("the application", "langwatch_otel")
        ended_before = span.end_time < maker.named_at.get(meant, 0)
        name = _short(span.name)
        own[name] += by_application
        ids = [each[key].attributes.get("session.id") for each in (named, bare)]
        spans.append((name, meant, *ids, ended_before))
    return Request(thread, sorted(spans, key=str), turns, +own)


def _short(name):
    """Leave out the route that contrib puts before each span of its own."""
    for kind in ("http", "websocket"):
        for end in ("receive", "send"):
            if name.endswith(f" {kind} {end}"):
                return f"{kind} {end}"
    return name
