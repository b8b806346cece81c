"""What reading a span's conversation and messages costs against parsing the span's OTLP into plain values.

A turn of a chatbot: a server span, contrib's `http send` spans, database and cache, a tool, one model call whose
history grows by a turn a request, and the HTTP call below it. Messages are parsed when they are asked for, so the
second line says what it costs to ask for all of them, every turn's whole history again included.
Run: python benchmarks/canonical.py
"""

import json
from collections.abc import Iterator
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rounds import fastest, show

from langwatch_otel.conventions import canonical
from langwatch_otel.workbench.otlp import PROTOBUF, ReceivedSpan, decode

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


def body() -> bytes:
    exporter = InMemorySpanExporter()
    resource = Resource.create({"service.name": "chat", "host.name": "web-1", "deployment.environment.name": "prod"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    ids = {"session.id": "trip-to-lisbon", "user.id": "ana", "langwatch.metadata.plan": "pro"}
    for turn in range(TURNS):
        for scope, name, attributes in spans_of(turn):
            provider.get_tracer(scope).start_span(name, attributes={**attributes, **ids}).end()
    return encode_spans(exporter.get_finished_spans()).SerializeToString()


def read(spans: list[ReceivedSpan]) -> None:
    for span in spans:
        canonical(
            span.attributes,
            scope_name=span.scope_name,
            span_name=span.name,
            events=[(event.name, event.attributes) for event in span.events] if span.events else (),
            resource=span.resource,
        )


def read_messages(spans: list[ReceivedSpan]) -> None:
    for span in spans:
        found = canonical(span.attributes, scope_name=span.scope_name, span_name=span.name, resource=span.resource)
        _ = found.input_messages, found.output_messages


def main() -> None:
    sent = body()
    spans = decode(sent, PROTOBUF)
    models = [span for span in spans if "gen_ai.input.messages" in span.attributes]
    others = [span for span in spans if "gen_ai.input.messages" not in span.attributes]
    best = fastest(
        {
            "parse": lambda: decode(sent, PROTOBUF),
            "read": lambda: read(spans),
            "models": lambda: read(models),
            "others": lambda: read(others),
            "messages": lambda: read_messages(spans),
        },
        rounds=30,
        calls=10,
    )
    each = {
        "parse": len(spans),
        "read": len(spans),
        "models": len(models),
        "others": len(others),
        "messages": len(spans),
    }
    microseconds = {name: best[name] / each[name] for name in best}
    detail = " ".join(f"{name} {value:.1f}" for name, value in microseconds.items())
    show("reading a span over parsing it", best["read"] / best["parse"], TARGET, f"us a span: {detail}")
    print(f"the same with every message of every span: {best['messages'] / best['parse']:.2f} x")


if __name__ == "__main__":
    main()
