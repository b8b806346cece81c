"""A server that notes the headers of each request, and the border around a provider of one's own."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

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
    options = {key: settings.pop(key) for key in ("sampler", "late") if key in settings}
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


class Noting(BaseHTTPRequestHandler):
    """Notes the headers of each request, and answers as a model does, or with a redirect to what `?to=` says."""

    protocol_version = "HTTP/1.1"  # Clients keep the connection, as they do with real servers.

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        # What a proxy goes by; where urllib3 follows a redirect behind one it sends the old `Host` again.
        asked = urlsplit(self.path)
        self.server.noted.append({**headers, "host": asked.netloc or headers["host"]})
        to = parse_qs(asked.query).get("to")
        answer = b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[]}'
        self.send_response(302 if to else 200)
        if to:
            self.send_header("Location", to[0])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *args): ...


@contextmanager
def server():
    """A real HTTP server on loopback, a proxy too: its port, and the headers of each request that came."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Noting) as listening:
        listening.noted = []
        threading.Thread(target=listening.serve_forever, args=[0.02], daemon=True).start()
        try:
            yield listening.server_address[1], listening.noted
        finally:
            listening.shutdown()


def route(port, *hosts):
    """The URL of the first of `hosts`, which redirects to the second, and so on."""
    url = ""
    for host in reversed(hosts):
        url = f"http://{host}:{port}/" + (f"?to={quote(url, safe='')}" if url else "")
    return url
