"""Throughput of a chat endpoint that asks a model over HTTP, and of one that does nothing,
on uvicorn, with ids read from the requests, against OpenTelemetry alone.

Each case is a process of its own; one client asks them in turn, on connections that stay open.

Run: python benchmarks/sources.py
"""

import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = {"/chat": 200, "/nothing": 300}
REQUESTS = 10  # Many short rounds: on a busy machine some are undisturbed.
TARGET = 0.95

MESSAGES = [{"role": "user", "content": "What is the capital of France, and how many people live there? " * 4}] * 4
BODY = json.dumps({"thread_id": "thread-0001", "user": {"id": "user-0001"}, "messages": MESSAGES}).encode()


def application():
    """What a child process serves; `BENCHMARK` says how it is traced."""
    from fastapi import FastAPI
    from openai import AsyncOpenAI
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from pydantic import BaseModel

    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

    class Chat(BaseModel):
        thread_id: str
        user: dict
        messages: list[dict]

    mode, _, sourced = os.environ["BENCHMARK"].partition(" ")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    trace.set_tracer_provider(provider)
    app = FastAPI(telemetry={"tracing": mode == "native", "metrics": False, "logs": False})
    tracer = trace.get_tracer("application")

    client = AsyncOpenAI()

    @app.post("/chat")
    async def chat(chat: Chat):
        with tracer.start_as_current_span("chat gpt-4.1", attributes={"gen_ai.request.model": "gpt-4.1"}):
            answer = await client.chat.completions.create(model="gpt-4.1", messages=chat.messages)
        return {"reply": answer.choices[0].message.content}

    @app.post("/nothing")
    async def nothing(chat: Chat):
        with tracer.start_as_current_span("nothing"):
            return {"reply": chat.messages[-1]["content"]}

    if mode == "contrib":
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(app)
    if sourced:
        from langwatch_otel import LangWatchInstrumentor

        sources = {"thread_id_from": "header:x-thread-id,body:thread_id", "user_id_from": "body:user.id"}
        LangWatchInstrumentor().instrument(**sources)
    return app


def start(case, model):
    """Return the process of `case`, which asks `model`, and a connection to it."""
    from socket import create_server

    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "sources:application", "--factory", "--port", str(port)]
    folder = Path(__file__).parent
    environment = {**os.environ, "BENCHMARK": case, "OPENAI_BASE_URL": model, "OPENAI_API_KEY": "none"}
    process = subprocess.Popen(
        [*command, "--log-level", "warning", "--timeout-keep-alive", "60"], cwd=folder, env=environment
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(600):
        try:
            connection.connect()
        except OSError:
            time.sleep(0.05)
        else:
            return process, connection
    raise SystemExit(f"{case} did not start")


def ask(connection, path):
    connection.request("POST", path, BODY, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()


def rounds(servers, path, count):
    """Return the fewest seconds that a request of each case took, on the average of a round."""
    best = dict.fromkeys(servers, float("inf"))
    for number in range(count):
        # Turn about, because what runs second finds a warmer machine.
        for case in sorted(servers, reverse=bool(number % 2)):
            began = time.perf_counter()
            for _ in range(REQUESTS):
                ask(servers[case][1], path)
            best[case] = min(best[case], (time.perf_counter() - began) / REQUESTS)
    return best


def main():
    from langwatch_otel.cli.model_server import ModelServer

    servers = {}
    with ModelServer() as model:
        try:
            for case in ("native", "native sourced", "contrib", "contrib sourced"):
                servers[case] = start(case, model.base_url)
            found = {path: rounds(servers, path, count) for path, count in ROUNDS.items()}
        finally:
            for process, connection in servers.values():
                connection.close()
                process.terminate()
                process.wait(20)
    for path, best in found.items():
        for mode, title in (("native", "FastAPI's own spans"), ("contrib", "contrib's spans")):
            alone, sourced = best[mode], best[f"{mode} sourced"]
            detail = f"{1 / sourced:.0f} against {1 / alone:.0f} requests a second"
            print(
                f"{path:9} {title:20} {alone / sourced:6.1%} of OpenTelemetry alone   (target {TARGET:.0%})   {detail}"
            )


if __name__ == "__main__":
    main()
