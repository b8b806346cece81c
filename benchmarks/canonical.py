"""What reading a span's conversation and content costs against parsing the span's OTLP into plain values.

Two kinds of spans: those that real SDKs recorded (`tests/corpus`), nearly all of them of models, agents and tools; and
a web application's turns, where HTTP, database and cache stand around each call of a model, whose history grows.
Messages are parsed when they are asked for, so there are two figures each: reading, and reading with all content; as
in a receiver, each span is read right after it was parsed.
Ids are others in every round, so that nothing is known beforehand that would not be in a server that runs.
Run: python benchmarks/canonical.py
"""

import gc
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rounds import show

from langwatch_otel.conventions import canonical
from langwatch_otel.workbench.otlp import PROTOBUF, ReceivedSpan, decode

RECORDINGS = Path(__file__).parent.parent / "tests" / "corpus"
COPIES = 24
"""More conversations than are remembered."""
ROUNDS = 12
TURNS = 12
TARGET = 0.25
SAID = "I have three days in Lisbon with two children and a tight budget. What should we see, and in which order? "
ANSWER = (
    "Begin in Alfama early in the morning, before the trams fill up; climb to the castle, then take the ferry. " * 3
)

SERVER = {
    "http.scheme": "http",
    "http.host": "127.0.0.1:8000",
    "net.host.port": 8000,
    "http.flavor": "1.1",
    "http.target": "/chat",
    "http.url": "http://127.0.0.1:8000/chat",
    "http.method": "POST",
    "http.server_name": "127.0.0.1:8000",
    "http.user_agent": "python-httpx/0.28.1",
    "net.peer.ip": "127.0.0.1",
    "net.peer.port": 51234,
    "http.route": "/chat",
    "http.status_code": 200,
}
SEND = {"asgi.event.type": "http.response.body"}
DATABASE = {
    "db.system": "postgresql",
    "db.name": "chat",
    "db.user": "app",
    "db.statement": "SELECT id, role, content, created_at FROM messages WHERE thread = %s ORDER BY created_at",
    "net.peer.name": "db.internal",
    "net.peer.port": 5432,
}
CACHE = {"db.system": "redis", "db.statement": "GET ?", "db.redis.args_length": 2, "net.peer.name": "cache"}
CLIENT = {
    "http.request.method": "POST",
    "url.full": "https://api.openai.com/v1/chat/completions",
    "server.address": "api.openai.com",
    "network.protocol.version": "1.1",
    "http.response.status_code": 200,
}
OWN = {"langwatch.span.type": "span", "input.value": json.dumps({"message": SAID}), "output.value": ANSWER}
TOOL = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "weather",
    "gen_ai.tool.call.id": "call_1",
    "gen_ai.tool.call.arguments": '{"city": "Lisbon"}',
    "gen_ai.tool.call.result": '{"celsius": 24, "rain": false}',
}


def model(turn: int) -> dict[str, Any]:
    """Traceloop's attributes of a chat completion."""
    history = [{"role": "system", "parts": [{"type": "text", "content": "You are a guide to Lisbon. Be brief."}]}]
    for _ in range(turn):
        history.append({"role": "user", "parts": [{"type": "text", "content": SAID}]})
        history.append({"role": "assistant", "parts": [{"type": "text", "content": ANSWER}]})
    history.append({"role": "user", "parts": [{"type": "text", "content": SAID}]})
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"}]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.usage.input_tokens": 900,
        "gen_ai.usage.output_tokens": 70,
        "llm.usage.total_tokens": 970,
        "gen_ai.input.messages": json.dumps(history),
        "gen_ai.output.messages": json.dumps(answer),
        "llm.is_streaming": False,
    }


def spans_of(turn: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield scope, name and attributes of the spans of one request."""
    yield "opentelemetry.instrumentation.fastapi", "POST /chat", SERVER
    for _ in range(3):
        yield "opentelemetry.instrumentation.fastapi", "POST /chat http send", SEND
    for _ in range(3):
        yield "opentelemetry.instrumentation.psycopg", "SELECT", DATABASE
    yield "opentelemetry.instrumentation.redis", "GET", CACHE
    yield "langwatch_otel", "answer", OWN
    yield "langwatch_otel", "execute_tool weather", TOOL
    yield "opentelemetry.instrumentation.openai", "openai.chat", model(turn)
    yield "opentelemetry.instrumentation.httpx", "POST", CLIENT


def encoded(spans: Iterable[dict[str, Any]]) -> bytes:
    """Return the request of an exporter for spans that are told as a recording tells them."""
    exporter = InMemorySpanExporter()
    for span in spans:
        provider = TracerProvider(resource=Resource(span["resource"]), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        made = provider.get_tracer(span["scope"]).start_span(span["name"], attributes=span["attributes"])
        for event in span["events"]:
            made.add_event(event["name"], event["attributes"])
        made.end()
    return encode_spans(exporter.get_finished_spans()).SerializeToString()


def recorded(copy: int) -> Iterator[dict[str, Any]]:
    """Yield the spans that SDKs recorded, of another conversation in each copy."""
    for path in sorted(RECORDINGS.glob("*.json")):
        if not path.name.endswith(".expected.json"):
            text = path.read_text(encoding="utf-8").replace("thread-1", f"thread-{copy}")
            for span in json.loads(text)["spans"]:
                yield {**span, "scope": span["scope"]["name"]}


def turns(copy: int) -> Iterator[dict[str, Any]]:
    """Yield the spans of a conversation of a web application."""
    resource = {"service.name": "chat", "host.name": "web-1", "deployment.environment.name": "prod"}
    for turn in range(TURNS):
        ids = {"session.id": f"trip-{copy}-{turn}", "user.id": "ana", "langwatch.metadata.plan": "pro"}
        for scope, name, attributes in spans_of(turn):
            yield {
                "scope": scope,
                "name": name,
                "attributes": {**attributes, **ids},
                "events": [],
                "resource": resource,
            }


def read(spans: Sequence[ReceivedSpan], *, whole: bool) -> None:
    for span in spans:
        found = canonical(
            span.attributes,
            scope_name=span.scope_name,
            span_name=span.name,
            events=[(event.name, event.attributes) for event in span.events] if span.events else (),
            resource=span.resource,
        )
        if whole:
            _ = found.input_messages, found.output_messages, found.input, found.output


def measure(title: str, spans_in: Callable[[int], Iterable[dict[str, Any]]]) -> None:
    bodies = [encoded(spans_in(copy)) for copy in range(COPIES)]
    parsing, reading, reading_all = [], [], []
    count = 0
    gc.disable()
    for _ in range(ROUNDS):
        for body in bodies:
            for whole, times in ((False, reading), (True, reading_all)):
                began = time.perf_counter()
                spans = decode(body, PROTOBUF)
                parsed = time.perf_counter()
                read(spans, whole=whole)
                times.append(time.perf_counter() - parsed)
                parsing.append(parsed - began)
                count = len(spans)
        gc.collect()
    gc.enable()
    parse, some, every = (min(times) / count * 1e6 for times in (parsing, reading, reading_all))
    show(f"reading {title} over parsing them", some / parse, TARGET, f"us a span: parse {parse:.1f} read {some:.1f}")
    print(f"{'  the same with all that they say':58} {every / parse:6.2f} x{'':19}us a span: read {every:.1f}")


def main() -> None:
    measure("recorded spans of SDKs", recorded)
    measure("a web application's spans", turns)


if __name__ == "__main__":
    main()
