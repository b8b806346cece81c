"""Throughput of a chat endpoint that asks a model over HTTP, and of one that does nothing,
on uvicorn, with ids read from the requests, against OpenTelemetry alone.

Each case is a process of its own, started several times, because where things lie in memory makes one process some
percent slower than another. One client asks them in a random order, on connections that stay open. The time that the
client sees has its own work in it, and the model's; what a server that has all it can do would gain or lose shows in
the CPU time of its process.

Run: python benchmarks/sources.py
"""

import http.client
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

CASES = ("native", "native sourced", "contrib", "contrib sourced")
STARTS = 6
ROUNDS = {"/chat": 40, "/nothing": 60}  # After each start.
REQUESTS = 10  # Many short rounds: on a busy machine some are undisturbed.
WARM = 2  # Before each round: another process has had the caches.
TARGET = 0.95
CPU_TIME = 2  # The kernel's clock of that kind for a process: see `man clock_getcpuclockid`.

MESSAGES = [{"role": "user", "content": "What is the capital of France, and how many people live there? " * 4}] * 4


def body(number):
    """What is asked in round `number`: every round is a thread of its own."""
    return json.dumps({"thread_id": f"thread-{number:04}", "user": {"id": f"user-{number:04}"}, "messages": MESSAGES})


BODY = body(1).encode()


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


def ask(connection, path, body):
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()


def rounds(servers, path, found, order):
    """Note in `found`, round after round, how many seconds a request of each case took, and how many of CPU."""
    for number in range(ROUNDS[path]):
        asked = body(number).encode()
        # What always followed the same neighbour would always find the caches as that left them.
        for case, (process, connection) in order.sample(list(servers.items()), len(servers)):
            clock = (~process.pid << 3) | CPU_TIME
            for _ in range(WARM):
                ask(connection, path, asked)
            began, used = time.perf_counter(), time.clock_gettime(clock)
            for _ in range(REQUESTS):
                ask(connection, path, asked)
            took = time.perf_counter() - began, time.clock_gettime(clock) - used
            found[case].append(tuple(seconds / REQUESTS for seconds in took))


def measure(model, found, order):
    """Start every case, and ask it every path."""
    servers = {}
    try:
        for case in CASES:
            servers[case] = start(case, model)
        for path, rounds_of in found.items():
            rounds(servers, path, rounds_of, order)
    finally:
        for process, connection in servers.values():
            connection.close()
            process.terminate()
            process.wait(20)


def main():
    from langwatch_otel.cli.model_server import ModelServer

    found = {path: {case: [] for case in CASES} for path in ROUNDS}
    order = random.Random(1)
    with ModelServer() as model:
        for _ in range(STARTS):
            measure(model.base_url, found, order)
    for path, rounds_of in found.items():
        for mode, title in (("native", "FastAPI's own spans"), ("contrib", "contrib's spans")):
            alone, sourced = rounds_of[mode], rounds_of[f"{mode} sourced"]
            ratio = f"{ratio_of(alone, sourced, 0):6.1%} of OpenTelemetry alone   (target {TARGET:.0%})"
            seconds, cpu = (median(each[which] for each in sourced) for which in (0, 1))
            detail = (
                f"{1 / seconds:.0f} requests a second; {ratio_of(alone, sourced, 1):.1%} by CPU, {cpu * 1e6:.0f} us"
            )
            print(f"{path:9} {title:20} {ratio}   {detail}")


def ratio_of(alone, sourced, which):
    """Return the median of what each round says: what was fastest of all tells of the machine's best moment."""
    return median(one[which] / other[which] for one, other in zip(alone, sourced, strict=True))


if __name__ == "__main__":
    main()
