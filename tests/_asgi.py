"""ASGI applications, called as a server would and served by a real uvicorn."""

import asyncio
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI

from _servers import clean_environment, free_port
from langwatch_otel.workbench.receiver import Receiver

PROGRAM = """
import importlib.util
import os
from contextlib import asynccontextmanager
from fastapi import FastAPI

def turn_on():
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from langwatch_otel.frameworks.fastapi import spans_on
    from langwatch_otel.frameworks.lifespan import flush_at_lifespan_end

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    spans_on(provider)
    flush_at_lifespan_end(provider.force_flush, int(os.environ["LIMIT"]))

@asynccontextmanager
async def lifespan(app):
    if os.environ["WHEN"] == "in the lifespan":
        turn_on()
    yield

if os.environ["WHEN"] == "before the application":
    turn_on()
NATIVE = importlib.util.find_spec("fastapi.telemetry") is not None
# FastAPI 0.142 sends all spans once more, unless it is told not to.
app = FastAPI(lifespan=lifespan, **({"telemetry": {"auto_configure": False}} if NATIVE else {}))
if os.environ["WHEN"] == "after the application":
    turn_on()

@app.get("/ready")
def ready():
    if os.environ["WHEN"] == "while serving":
        turn_on()

@app.get("/x")
async def x():
    return {}
"""

# Where in the life of the program above we are turned on.
WHENS = ["before the application", "after the application", "in the lifespan", "while serving"]


async def call(app, path):
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": []}
    status = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        status.append(message.get("status"))

    await app(scope, receive, send)
    return status[0]


def get(app, path="/x"):
    """The status of one request, made of what a server would pass on."""
    return asyncio.run(call(app, path))


def live(app, heard):
    """Start and stop `app`, adding to `heard` what a server would hear of it."""

    async def run():
        messages = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive():
            return {"type": next(messages)}

        async def send(message):
            heard.append(message["type"])

        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)

    asyncio.run(run())
    return heard


def application(kind=FastAPI):
    app = kind(openapi_url=None)

    @app.get("/x")
    async def x():
        return {}

    return app


@contextmanager
def served(folder, endpoint, *arguments, when="before the application", limit=5_000):
    """A real uvicorn with the program above; the batch processor alone would wait for a minute."""
    (folder / "program.py").write_text(PROGRAM)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "program:app", "--port", str(port), "--log-level", "warning"]
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    environment = clean_environment(**settings, WHEN=when, LIMIT=str(limit))
    process = subprocess.Popen([*command, *arguments], cwd=folder, env=environment)
    try:
        fetch_when_up(f"http://127.0.0.1:{port}/ready")
        for _ in range(20):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/x").close()
        yield process
    finally:
        process.kill()
        process.wait()


def fetch_when_up(url):
    end = time.monotonic() + 30
    while True:
        try:
            return urllib.request.urlopen(url).close()
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def stop(process):
    """Send SIGTERM; return how many seconds the process took to end."""
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    return time.monotonic() - begin


def python(program):
    """What `program` prints, run by itself."""
    command = [sys.executable, "-W", "error", "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.strip()


def requests_that_arrive(folder, *arguments, when="before the application"):
    """How many of 20 request spans a receiver has got when the server has stopped."""
    with Receiver() as receiver:
        with served(folder, receiver.endpoint, *arguments, when=when) as process:
            stop(process)
        return Counter(span.name for span in receiver.spans)["GET /x"]
