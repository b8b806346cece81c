"""Real HTTP clients, each with its instrumentation: a call that follows redirects, perhaps through a proxy."""

import asyncio
import urllib.request
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, NamedTuple

import pytest

from langwatch_otel import instrumentations


class Client(NamedTuple):
    """One client."""

    library: str
    instrumentation: str
    instrumentor: str
    call: Any

    @contextmanager
    def on(self, provider, **options):
        """Its instrumentation is on for a block; the test is skipped where that is not installed."""
        pytest.importorskip(self.library)
        module = pytest.importorskip(f"opentelemetry.instrumentation.{self.instrumentation}")
        if not hasattr(module, self.instrumentor):
            pytest.skip(f"{module.__name__} is too old for {self.library}")
        instrumentor = getattr(module, self.instrumentor)()
        instrumentor.instrument(tracer_provider=provider, **options)
        try:
            yield
        finally:
            instrumentor.uninstrument()


def by_requests(url, headers, proxy, authority=None, secure=None):
    import requests

    with requests.Session() as session:
        session.trust_env, session.verify = False, authority
        session.get(url, headers=headers, proxies=dict.fromkeys(("http", "https"), proxy), timeout=10)


def by_urllib3(url, headers, proxy, authority=None, secure=None):
    import urllib3

    with urllib3.ProxyManager(proxy, ca_certs=authority) if proxy else urllib3.PoolManager() as pool:
        pool.request("GET", url, headers=headers, timeout=10)


def by_urllib(url, headers, proxy, authority=None, secure=None):
    proxies = urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else {})
    opener = urllib.request.build_opener(proxies, urllib.request.HTTPSHandler(context=secure))
    with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        answer.read()


def by_aiohttp(url, headers, proxy, authority=None, secure=None):
    import aiohttp

    async def call():
        connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver(), ssl=secure or True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(url, headers=headers, proxy=proxy) as answer,
        ):
            await answer.read()

    asyncio.run(call())


def by_httpx(name, **more):
    def call(url, headers, proxy, authority=None, secure=False):
        module = __import__(name)
        options = {"proxy": proxy, "verify": secure, "trust_env": False, "follow_redirects": True, **more}
        with module.Client(**options) as client:
            client.get(url, headers=headers)

    return call


def by_httpx_async(name, **more):
    def call(url, headers, proxy, authority=None, secure=False):
        module = __import__(name)
        options = {"proxy": proxy, "verify": secure, "trust_env": False, "follow_redirects": True, **more}

        async def get():
            async with module.AsyncClient(**options) as client:
                await client.get(url, headers=headers)

        asyncio.run(get())

    return call


CLIENTS = {
    "requests": Client("requests", "requests", "RequestsInstrumentor", by_requests),
    "urllib3": Client("urllib3", "urllib3", "URLLib3Instrumentor", by_urllib3),
    "urllib": Client("urllib.request", "urllib", "URLLibInstrumentor", by_urllib),
    "aiohttp": Client("aiohttp", "aiohttp_client", "AioHttpClientInstrumentor", by_aiohttp),
    "httpx": Client("httpx", "httpx", "HTTPXClientInstrumentor", by_httpx("httpx")),
    "httpx async": Client("httpx", "httpx", "HTTPXClientInstrumentor", by_httpx_async("httpx")),
    "httpx2": Client("httpx2", "httpx", "HTTPX2ClientInstrumentor", by_httpx("httpx2")),
    "httpx2 async": Client("httpx2", "httpx", "HTTPX2ClientInstrumentor", by_httpx_async("httpx2")),
}


def model_calls():
    """The names of the spans that a call of OpenAI's client has from its HTTP client, under `setup()`."""
    under = "HTTPX2" if int(version("openai").split(".")[0]) >= 3 else "HTTPX"
    found = {type(instrumentor).__name__ for instrumentor in instrumentations.installed()}
    return ("POST",) if f"{under}ClientInstrumentor" in found else ()
