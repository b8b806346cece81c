"""Programs and servers that tests talk to over real sockets."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Whoever runs the tests may have these set; what a test starts must not notice.
_PERSONAL = ("OTEL_", "LANGWATCH_", "TRACELOOP_", "OPENAI_")


def clean_environment(**more):
    """Return this process's environment without settings of tracing or models, with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_PERSONAL)}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **more}


def free_port():
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def uvicorn_process(application, **environment):
    """Run `application` ("module:name") as a user would; yield its port; end it as a supervisor would."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for_port(process, port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        print(output)  # Shown by pytest where the test fails.


def wait_for_port(process, port):
    """Return once somebody listens on `port`, or fail where the process has ended."""
    latest = time.monotonic() + 30
    while time.monotonic() < latest and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing listens on port {port}")


def post(port, path, body, headers=None):
    """Send `body`, as JSON unless it is bytes; return status, headers and body of the answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, raw, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def chat(port, thread_id, user_id, message):
    """Say `message` to a chatbot and return its reply."""
    request = {"thread_id": thread_id, "user_id": user_id, "message": message}
    status, _, body = post(port, "/chat", request)
    assert status == 200, body
    return json.loads(body)["reply"]
