"""Every kind of endpoint on a real server, in turn; what came out of it, named at export and not."""

import http.client
import json
import logging
import threading
from collections import Counter
from contextlib import closing, contextmanager
from typing import NamedTuple

from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from _making import MEANT, NATIVE, TURN, Maker
from langwatch_otel import _guard
from langwatch_otel.cli.app_server import AppServer

MODES = {
    **({"FastAPI's own": None} if NATIVE else {}),
    "contrib's": {},
    "contrib's, quiet": {"exclude_spans": ["receive", "send"]},
}


class Seen(NamedTuple):
    """A span as it was exported."""

    name: str
    meant: str | None
    """The thread that it is meant for."""
    named: str | None
    """The thread that it has, exported with `ConversationSpanExporter`."""
    bare: str | None
    """The thread that it has without."""
    ended_before: bool
    """Whether it ended before its turn was named."""


class Request(NamedTuple):
    """What came of one request."""

    thread: str | None
    spans: list
    own: Counter
    """How many spans of each name the application made, by the number of turns."""
    traces: frozenset


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
    body = json.dumps({"thread": thread}).encode()  # Bytes go out with the headers: no wait for an ACK.
    connection.request("POST", "/turn", body, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == kind.status
    if answer.status == 500:
        connection.close()  # As the server does.
    return 1


def measure(kinds, mode):
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
        with (
            AppServer(served) as server,
            mistakes() as said,
            closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection,
        ):
            for number, kind in enumerate(kinds):
                headers = {"kind": str(number)}
                requests = []
                for thread in (f"{number} one", None, f"{number} two"):
                    talk = kind.talk
                    turns = talk(server.port, headers, thread) if talk else _post(connection, kind, headers, thread)
                    assert served.over.acquire(timeout=20)
                    requests.append(_request(maker, thread, turns))
                found[kind.label] = requests
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
        turn = span.attributes.get(TURN, thread)
        ids = [each[key].attributes.get("session.id") for each in (named, bare)]
        spans.append(Seen(_short(span.name), meant, *ids, span.end_time < maker.named_at.get(turn, 0)))
        if span.instrumentation_scope.name in ("the application", "langwatch_otel"):
            own[span.name] += 1
    of_a_turn = Counter({name: count / turns for name, count in own.items()})
    traces = frozenset(span.context.trace_id for span in bare.values())
    return Request(thread, sorted(spans, key=str), of_a_turn, traces)


def _short(name):
    """Leave out the route that contrib puts before each span of its own."""
    for kind in ("http", "websocket"):
        for end in ("receive", "send"):
            if name.endswith(f" {kind} {end}"):
                return f"{kind} {end}"
    return name
