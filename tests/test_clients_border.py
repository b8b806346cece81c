"""The border under real HTTP clients with their instrumentations, and a real server that notes the headers."""

import asyncio
import socket

import pytest

import langwatch_otel as langwatch
from _wire import border, server

STRANGE = "api.example.com"


@pytest.fixture
def everywhere(monkeypatch):
    """Every host name leads to loopback, so that the name in the span and on the wire is the strange one."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args, **kwargs: real("127.0.0.1", *args, **kwargs))


def by_requests(provider):
    requests = pytest.importorskip("requests")
    module = pytest.importorskip("opentelemetry.instrumentation.requests")
    return module.RequestsInstrumentor(), lambda url: requests.get(url, timeout=10)


def by_httpx(provider):
    httpx = pytest.importorskip("httpx")
    module = pytest.importorskip("opentelemetry.instrumentation.httpx")
    return module.HTTPXClientInstrumentor(), lambda url: httpx.get(url)


def by_httpx_async(provider):
    httpx = pytest.importorskip("httpx")
    module = pytest.importorskip("opentelemetry.instrumentation.httpx")

    async def call(url):
        async with httpx.AsyncClient() as client:
            await client.get(url)

    return module.HTTPXClientInstrumentor(), lambda url: asyncio.run(call(url))


def by_aiohttp(provider):
    aiohttp = pytest.importorskip("aiohttp")
    module = pytest.importorskip("opentelemetry.instrumentation.aiohttp_client")

    async def call(url):
        connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
        async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as answer:
            await answer.read()

    return module.AioHttpClientInstrumentor(), lambda url: asyncio.run(call(url))


def by_openai(provider):
    openai = pytest.importorskip("openai")
    module = pytest.importorskip("opentelemetry.instrumentation.httpx")
    name = "HTTPX2ClientInstrumentor" if int(openai.VERSION.split(".")[0]) >= 3 else "HTTPXClientInstrumentor"

    def call(url):
        with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])

    return getattr(module, name)(), call


CLIENTS = [by_requests, by_httpx, by_httpx_async, by_aiohttp, by_openai]


@pytest.mark.parametrize("semantics", ["", "http"])
@pytest.mark.parametrize("client", CLIENTS)
def test_ids_reach_a_neighbour_and_no_stranger(client, semantics, everywhere, monkeypatch):
    """Under old and new names of attributes, ids are in the request to loopback, in no header to a strange host."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", semantics)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    with border() as recorder, server() as (port, requests):
        instrumentor, call = client(recorder.provider)
        instrumentor.instrument(tracer_provider=recorder.provider)
        try:
            with langwatch.conversation(thread_id="the-thread", user_id="the-user"):
                for host in ("localhost", STRANGE, f"{STRANGE}."):
                    call(f"http://{host}:{port}/")
        finally:
            instrumentor.uninstrument()
        clients = [span for span in recorder.spans if span.kind.name == "CLIENT"]
    assert [request.get("baggage") for request in requests] == ["session.id=the-thread,user.id=the-user", None, None]
    assert [bool(request["traceparent"]) for request in requests] == [True] * 3
    assert "the-" not in str(requests[1:])
    assert sum(STRANGE in str(dict(span.attributes)) for span in clients) >= 2
