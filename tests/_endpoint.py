"""An HTTP endpoint that notes who sent what where."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from langwatch_otel.workbench.receiver import decode


class Endpoint:
    """An HTTP server that notes path, Authorization and names of the spans of each request."""

    def __init__(self):
        self.requests = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                spans = [] if self.headers.get("Content-Encoding") else decode(body, self.headers["Content-Type"])
                names = [span.name for span in spans]
                endpoint.requests.append((self.path, self.headers.get("Authorization"), names))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args): ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def endpoint():
    """An endpoint while the block runs."""
    found = Endpoint()
    try:
        yield found
    finally:
        found.stop()
