"""The whole picture on this machine: the demo's chatbot, the Collector, Jaeger and two files.

    pip install 'langwatch-otel[workbench]'
    python examples/collector/build.py && python examples/collector/build.py jaeger
    python examples/collector/picture.py

Holds three conversations, and asks Jaeger and the files what has arrived of each. `--stay` leaves all of it running.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from build import built, collector, jaeger

from langwatch_otel.cli.app_server import AppServer
from langwatch_otel.cli.demo_session import CONVERSATIONS

HERE = Path(__file__).parent
CONFIG = HERE.parent.parent / "collector-config.yaml"
SERVICE = "picture"
SECONDS = 60


def free_address() -> str:
    """Return an address that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def running(log: Path, *command: str | Path, **environment: str) -> Iterator[None]:
    """Run a program while the block does; what it says is in `log`."""
    with log.open("w") as file:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:  # Jaeger takes ten seconds, and has nothing to lose.
            process.kill()
            process.wait()


def wait_for(address: str) -> None:
    """Return when somebody listens there."""
    host, port = address.split(":")
    latest = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            if time.monotonic() > latest:
                sys.exit(f"nothing listens on {address}")
            time.sleep(0.1)
        else:
            return


def talk() -> None:
    """Hold the demo's conversations with its chatbot, which knows nothing of where its spans go."""
    from openai import OpenAI
    from opentelemetry import trace

    import langwatch_otel as langwatch
    from langwatch_otel.cli.chatbot import build_app
    from langwatch_otel.cli.model_server import ModelServer

    langwatch.setup(service_name=SERVICE)
    with ModelServer() as model, AppServer(build_app(OpenAI(base_url=model.base_url, api_key="none"))) as chatbot:
        for thread_id, user_id, said in CONVERSATIONS:
            for message in said:
                body = json.dumps({"thread_id": thread_id, "user_id": user_id, "message": message}).encode()
                request = urllib.request.Request(f"http://127.0.0.1:{chatbot.port}/chat", body)
                request.add_header("Content-Type", "application/json")
                urllib.request.urlopen(request).close()
    trace.get_tracer_provider().force_flush()


def in_jaeger(query: str, thread_id: str) -> list[list[dict[str, Any]]]:
    """The traces in Jaeger of which a span has this thread."""
    tags = urllib.parse.quote(json.dumps({"session.id": thread_id}))
    with urllib.request.urlopen(f"http://{query}/api/traces?service={SERVICE}&limit=100&tags={tags}") as answer:
        return [trace["spans"] for trace in json.load(answer)["data"]]


def in_file(path: Path) -> Counter[str]:
    """How many spans of each thread the file has."""
    found: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    for attribute in span.get("attributes", ()):
                        if attribute["key"] == "session.id":
                            found[attribute["value"]["stringValue"]] += 1
    return found


def arrived(query: str, folder: Path) -> dict[str, dict[str, int]]:
    """What Jaeger and the files have of each conversation, as soon as all have the same, and all turns."""
    latest = time.monotonic() + SECONDS
    while True:
        found = {}
        full, protected = in_file(folder / "full.jsonl"), in_file(folder / "protected.jsonl")
        for thread_id, _, _ in CONVERSATIONS:
            traces = in_jaeger(query, thread_id)
            found[thread_id] = {
                "traces_in_jaeger": len(traces),
                "spans_in_jaeger": sum(map(len, traces)),
                "spans_in_file": full[thread_id],
                "spans_without_content": protected[thread_id],
            }
        complete = all(
            found[thread_id]["traces_in_jaeger"] == len(said) and len(set(list(found[thread_id].values())[1:])) == 1
            for thread_id, _, said in CONVERSATIONS
        )
        if complete or time.monotonic() > latest:
            return found
        time.sleep(0.5)


def main() -> None:
    """Start everything, talk, show, and stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, help="for files, queue and logs; a temporary one without it")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--stay", action="store_true", help="until Ctrl-C")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.directory or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        otlp, health, into_jaeger, query = (free_address() for _ in range(4))
        places = {"JAEGER_ENDPOINT": into_jaeger, "JAEGER_QUERY_ENDPOINT": query}
        stack.enter_context(running(folder / "jaeger.log", built(jaeger()), "--config", HERE / "jaeger.yaml", **places))
        program = os.environ.get("OTELCOL") or built(collector())
        stack.enter_context(
            running(
                folder / "collector.log",
                *(program, "--config", CONFIG, "--config", HERE / "picture.yaml"),
                **places,
                COLLECTOR_HTTP_ENDPOINT=otlp,
                COLLECTOR_GRPC_ENDPOINT=free_address(),
                COLLECTOR_HEALTH_ENDPOINT=health,
                COLLECTOR_METRICS_PORT=free_address().partition(":")[2],
                COLLECTOR_QUEUE_DIRECTORY=str(folder / "queue"),
                PICTURE_DIRECTORY=str(folder),
            )
        )
        wait_for(query)
        wait_for(into_jaeger)
        wait_for(otlp)
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://{otlp}"
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
        talk()
        found = arrived(query, folder)
        if arguments.json:
            print(json.dumps(found, indent=2))
        else:
            for thread_id, counts in found.items():
                print(
                    f"{thread_id}: " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
                )
        if arguments.stay:
            print(f"Jaeger: http://{query}/search?service={SERVICE}  files: {folder}  OTLP: http://{otlp}")
            threading.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
