"""A server that notes the headers of each request, and the border around a provider of one's own."""

import socketserver
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


class Noting(BaseHTTPRequestHandler):
    """Notes the headers of each request, and answers as a model does, or with a redirect to what `?to=` says."""

    protocol_version = "HTTP/1.1"  # Clients keep the connection, as they do with real servers.

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): ",".join(self.headers.get_all(name)) for name in self.headers}
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

    def do_CONNECT(self):
        """Be the other end of the tunnel too: every host is this one."""
        self.send_response(200)
        self.end_headers()
        self.request = self.server.secure.wrap_socket(self.connection, server_side=True)
        self.setup()
        self.close_connection = False  # Before Python 3.12 clients ask for a tunnel in HTTP/1.0.

    def finish(self):
        super().finish()
        self.request.close()  # The one inside the tunnel.

    def log_message(self, *args): ...


@contextmanager
def server(secure=None):
    """A real HTTP server on loopback, a proxy too: its port, and the headers of each request that came.

    With `secure`, an SSL context, it is what every https URL leads to through it.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), Noting) as listening:
        listening.noted, listening.secure = [], secure
        listening.handle_error = lambda *_: None  # Clients break off; a request that is lost is missed in the test.
        threading.Thread(target=listening.serve_forever, args=[0.02], daemon=True).start()
        try:
            yield listening.server_address[1], listening.noted
        finally:
            listening.shutdown()


@contextmanager
def http2_server():
    """As `server`, in HTTP/2 without TLS, for clients that know beforehand."""
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import RequestReceived

    noted = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
            connection.initiate_connection()
            self.request.sendall(connection.data_to_send())
            while received := self.request.recv(65536):
                for event in connection.receive_data(received):
                    if isinstance(event, RequestReceived):
                        headers = dict(event.headers)
                        noted.append({**headers, "host": headers[":authority"]})
                        to = parse_qs(urlsplit(headers[":path"]).query).get("to")
                        answer = [(":status", "302"), ("location", to[0])] if to else [(":status", "200")]
                        connection.send_headers(event.stream_id, answer, end_stream=True)
                self.request.sendall(connection.data_to_send())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, args=[0.02], daemon=True).start()
        try:
            yield listening.server_address[1], noted
        finally:
            listening.shutdown()


def route(port, *hosts, scheme="http"):
    """The URL of the first of `hosts`, which redirects to the second, and so on."""
    url = ""
    for host in reversed(hosts):
        url = f"{scheme}://{host}:{port}/" + (f"?to={quote(url, safe='')}" if url else "")
    return url
