"""An HTTP server on 127.0.0.1 for one function that answers requests."""

import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, BinaryIO, cast

from .errors import RequestError
from .request_body import RequestBody

_logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
IDLE_SECONDS = 60  # A connection that says nothing for this long is closed.

_POLL_SECONDS = 0.02  # How long stop() may wait for the accepting thread.


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks; `read(limit)` returns its body or raises `RequestError`."""

    method: str
    path: str
    headers: Message
    read: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Response:
    """What a client gets; a body of several pieces is sent piece by piece, as they are made."""

    status: int
    content_type: str
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Response]


class LocalServer:
    """Serve `answer` on a port of 127.0.0.1, a free one if `port` is 0."""

    def __init__(self, answer: Answer, port: int = 0) -> None:
        self._answer = answer
        self._port = port
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        if self._server is None:
            raise RuntimeError("the server is not running; call start() first")
        return f"http://{HOST}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Begin to answer, in threads of our own."""
        if self._server is not None:
            raise RuntimeError("the server is running already")
        server = self._server = _Server((HOST, self._port), self._answer)
        threading.Thread(
            target=server.serve_forever, args=(_POLL_SECONDS,), name="langwatch-otel-server", daemon=True
        ).start()

    def stop(self) -> None:
        """Close the port and every connection; without effect where nothing runs."""
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            server.close_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # A program that forgets stop() can still exit.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Answer) -> None:
        self.answer = answer
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks up the host's name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def close_connections(self) -> None:
        with self._changed:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
            self._changed.wait_for(lambda: not self._connections, timeout=1)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _logger.debug("the connection of %s broke: %r", client_address, sys.exc_info()[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = -1  # Head and body leave together: apart, the second waits for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        body = RequestBody(self.command, self.headers, cast(BinaryIO, self.rfile))
        request = Request(self.command, self.path.partition("?")[0], self.headers, body.read)
        try:
            response = cast(_Server, self.server).answer(request)
        except RequestError as error:
            response = Response(error.status, "text/plain; charset=utf-8", error.message.encode())
        except Exception:
            _logger.exception("could not answer %s", self.command)
            response = Response(500, "text/plain; charset=utf-8", b"internal error")
        if not body.discard():
            self.close_connection = True
        self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        _logger.debug(format, *args)

    def _send(self, response: Response) -> None:
        whole = response.body if isinstance(response.body, bytes) else None
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if whole is not None:
            self.send_header("Content-Length", str(len(whole)))
        if whole is None or self.close_connection:
            self.send_header("Connection", "close")  # Also how the client knows the end of a body in pieces.
        self.end_headers()
        if self.command == "HEAD":
            return
        for piece in response.body if whole is None else (whole,):
            self.wfile.write(cast(bytes, piece))
            self.wfile.flush()
