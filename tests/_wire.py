"""A server that notes the headers of each request, and the border around a provider of one's own."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry import propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from _recorder import recording

INSIDE, OUTSIDE = "http://orders.internal/v1", "https://api.example.com/v1"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def stock():
    """What OpenTelemetry propagates with unless it is told otherwise."""
    return CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


@contextmanager
def border(propagator=None, **settings):
    """The plugin on, over a global propagator that is put back afterwards; gives the recorder."""
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(stock() if propagator is None else propagator)
    options = {key: settings.pop(key) for key in ("sampler", "late", "span_limits") if key in settings}
    try:
        with recording(settings=settings, **options) as recorder:
            yield recorder
    finally:
        propagate.set_global_textmap(before)


def sent(recorder, url=INSIDE, kind=SpanKind.CLIENT, carrier=None, **attributes):
    """The baggage header that a call under a span of that kind sends, None where there is none."""
    found = {"url.full": url, **attributes} if url is not None else attributes
    carrier = {} if carrier is None else carrier
    with recorder.tracer.start_as_current_span("call", kind=kind, attributes=found):
        propagate.inject(carrier)
    return carrier.get("baggage")


@contextmanager
def server():
    """A real HTTP server on loopback: its port, and the headers of each request that came."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append({name.lower(): value for name, value in self.headers.items()})
            answer = b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[]}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args): ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield listening.server_address[1], requests
        finally:
            listening.shutdown()
