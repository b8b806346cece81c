"""An ASGI application on a free port of 127.0.0.1, on uvicorn in a thread of its own."""

import socket
import threading
import time
from types import TracebackType
from typing import Any

import uvicorn

START_SECONDS = 10
STOP_SECONDS = 5


class AppServer:
    """Serve `app` from `start()` to `stop()`, its lifespan included."""

    def __init__(self, app: Any) -> None:
        # A traceback may hold what a model's provider says about a key; the status code tells enough.
        config = uvicorn.Config(app, log_config=None, log_level="critical", timeout_graceful_shutdown=STOP_SECONDS)
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        # asyncio does so for sockets that it made; without it, an answer waits 40 ms for the client's ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="langwatch-otel-app", daemon=True
        )

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that the application answers on."""
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        """Return when the application answers."""
        self._thread.start()
        latest = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > latest:
                raise RuntimeError("the application did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Return when the last request has been answered."""
        self._server.should_exit = True
        self._thread.join(2 * STOP_SECONDS)
        self._socket.close()

    def __enter__(self) -> "AppServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
