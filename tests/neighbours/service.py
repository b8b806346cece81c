"""A service with a neighbour: `python service.py NEIGHBOUR ORDER`; it asks itself two things, and says what it logged.

A neighbour is a module beside this one: `set_up(endpoint)`, `turn(said)` that makes its spans around a call of a
model, `turn_of(said, session)` that also names a session in its own words, and `flush()`.
"""

import importlib
import json
import logging
import os
import sys
import threading
import time
import urllib.request

name, order = sys.argv[1:3]
neighbour = importlib.import_module(name)
settings = json.loads(os.environ.get("NEIGHBOURS_SETTINGS", "{}"))
said = []


class Heard(logging.Handler):
    """Keeps what is logged."""

    def emit(self, record):
        said.append(f"{record.name}: {record.getMessage()}")


logging.getLogger().addHandler(Heard(logging.WARNING))


def ours():
    """Turn the plugin on."""
    import langwatch_otel

    if order.startswith("setup"):
        langwatch_otel.setup(endpoint_url=os.environ["OURS"], api_key="none", instrumentors=[], **settings)
    elif order.startswith("instrument"):
        langwatch_otel.LangWatchInstrumentor().instrument(**settings)


def theirs():
    """Turn the neighbour on."""
    neighbour.set_up(os.environ["THEIRS"])


steps = [theirs] if order == "alone" else [ours, theirs] if order.endswith("first") else [theirs, ours]
for step in steps:
    step()
if name != "with_logfire" and (snippet := os.environ.get("NEIGHBOURS_SNIPPET")):  # Logfire's is its set-up.
    exec(snippet.replace("https://openlit.example", os.environ["THEIRS"]), {})

from fastapi import FastAPI  # noqa: E402
from opentelemetry import trace  # noqa: E402

if order.startswith("instrument") and hasattr(trace.get_tracer_provider(), "add_span_processor"):
    # The application's own way out, as a neighbour may send a part only.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own = OTLPSpanExporter(endpoint=f"{os.environ['OURS']}/v1/traces")
    trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(own))

tracer = trace.get_tracer("application")
app = FastAPI(openapi_url=None)


def named(body):
    """Name the conversation, where the plugin is there to be told."""
    if order != "alone":
        import langwatch_otel

        langwatch_otel.set_conversation(thread_id=body["thread_id"], user_id=body["user_id"])


def within_ours(function):
    """Do it in a span of ours."""
    if order == "alone":
        return function()
    import langwatch_otel

    with langwatch_otel.trace(name="ours"):
        return function()


@app.post("/chat")
def chat(body: dict):
    """Name the conversation, then have the neighbour make its spans."""
    named(body)
    with tracer.start_as_current_span("plain"):
        return within_ours(lambda: neighbour.turn("Hello"))


@app.post("/session")
def session(body: dict):
    """Do the same, where the neighbour has been told of a session of its own."""
    named(body)
    return neighbour.turn_of("Hello", "theirs")


def ask(port, path, body):
    """Ask ourselves."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def serve():
    """Serve the application on a free port; return what ends that, when the last span has ended, and the port."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()

    def stop():
        server.should_exit = True
        thread.join(20)

    while not server.started:
        time.sleep(0.01)
    return stop, server.servers[0].sockets[0].getsockname()[1]


stop, port = serve()
who = json.loads(os.environ.get("NEIGHBOURS_WHO", '{"thread_id": "t-1", "user_id": "u-1"}'))
for path in ("/chat", "/session"):
    ask(port, path, who)
stop()
getattr(trace.get_tracer_provider(), "force_flush", lambda: None)()
neighbour.flush()
print(json.dumps({"said": sorted(set(said))}))
sys.stdout.flush()
os._exit(0)  # What is sent is sent: no waiting for threads that send to servers of the vendor's.
