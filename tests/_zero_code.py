"""An application under `opentelemetry-instrument`, in a virtual environment of its own, and what arrives of it."""

import json
import signal
import subprocess
from contextlib import contextmanager

from _asgi import fetch_when_up
from _servers import clean_environment, free_port, post
from langwatch_otel.workbench.receiver import Receiver

APP = """
import langwatch_otel as langwatch
from fastapi import FastAPI

app = FastAPI()


@app.get("/ready")
def ready():
    return {}


@app.post("/chat/{thread_id}")
def chat(thread_id: str):
    langwatch.set_conversation(thread_id=thread_id)
    return {}
"""

FILE = """
file_format: "1.0"
propagator: {{composite: [{{tracecontext: {{}}}}, {{baggage: {{}}}}]}}
tracer_provider:
  processors: [{{batch: {{schedule_delay: 60000, exporter: {{otlp_http: {{endpoint: "{endpoint}/v1/traces"}}}}}}}}]
instrumentation/development:
  python:
    langwatch: {options}
"""

BASE = ("opentelemetry-distro", "fastapi", "uvicorn")

# Spans of a request to /chat/{thread_id}; those of the instrumentation that makes them.
OWN = {"POST /chat/{thread_id}", "fastapi.dependencies", "fastapi.endpoint", "fastapi.serialization"}


class Served:
    """A running application: `port` to talk to, and `log` and `spans` when it has stopped."""

    def __init__(self, port, receiver):
        self.port = port
        self.receiver = receiver
        self.spans = []
        self.log = ""

    @property
    def threads(self):
        """{name: thread} of the spans of requests to /chat."""
        traces = {span.trace_id for span in self.spans if span.name == "POST /chat/{thread_id}"}
        return {span.name: span.attributes.get("session.id") for span in self.spans if span.trace_id in traces}


@contextmanager
def served(
    bin_folder,
    folder,
    server=("uvicorn", "app:app", "--port", "{port}"),
    flags=(),
    file=None,
    app=APP,
    **variables,
):
    """Serve the application under `opentelemetry-instrument` until the block ends; then SIGTERM."""
    (folder / "app.py").write_text(app)
    port = free_port()
    with Receiver() as receiver:
        usual = {
            "PATH": f"{bin_folder}:/usr/bin:/bin",
            "PYTHONPATH": "",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
        }
        environment = clean_environment(**{**usual, **variables})
        if file is not None:
            (folder / "otel.yaml").write_text(FILE.format(endpoint=receiver.endpoint, options=json.dumps(file)))
            environment["OTEL_CONFIG_FILE"] = str(folder / "otel.yaml")
        command = [str(bin_folder / "opentelemetry-instrument"), *flags, *(part.format(port=port) for part in server)]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
            application = Served(port, receiver)
            try:
                fetch_when_up(f"http://127.0.0.1:{port}/ready")
                yield application
                process.send_signal(signal.SIGTERM)
                process.wait(30)
            finally:
                process.kill()
                process.wait()
                application.log = (folder / "log").read_text()
                print(application.log)  # Shown by pytest where the test fails.
        application.spans = receiver.spans


def chat(application, thread="t1"):
    status, _, body = post(application.port, f"/chat/{thread}", {})
    assert status == 200, body
