"""Calls of OpenAI's client in every form, each one a function that is given the address of a model."""

import asyncio
import functools
import warnings
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module

import openai
import pytest

import langwatch_otel as langwatch
from conftest import Traced

MODEL = "gpt-4.1"
SAID = [{"role": "user", "content": "My name is Ana, and I like long walks."}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}

MODULES = {
    "traceloop": "opentelemetry.instrumentation.openai",
    "genai": "opentelemetry.instrumentation.genai.openai",
}
CLIENT = {"api_key": "none", "max_retries": 0}


def asked(**more):
    return {"model": MODEL, "messages": SAID, **more}


def chat(client):
    client.chat.completions.create(**asked())


def stream(client):
    list(client.chat.completions.create(**asked(stream=True)))


def with_stream(client):
    with client.chat.completions.create(**asked(stream=True)) as chunks:
        next(chunks)


def responses(client):
    client.responses.create(model=MODEL, input="Hello")


def responses_stream(client):
    list(client.responses.create(model=MODEL, input="Hello", stream=True))


def tool_calls(client):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
    first = client.chat.completions.create(**asked(tools=tools))
    [call] = first.choices[0].message.tool_calls
    answer = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
    messages = [*SAID, first.choices[0].message.to_dict(), answer]
    client.chat.completions.create(model=MODEL, messages=messages, tools=tools)


def refused(client):
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(**{**asked(), "model": "error-429"})


def broken(client):
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**{**asked(), "model": "error-503"}, stream=True)


def responses_refused(client):
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="error-400", input="Hello")


async def async_chat(client):
    await client.chat.completions.create(**asked())


async def async_stream(client):
    async for _ in await client.chat.completions.create(**asked(stream=True)):
        pass


async def async_with_stream(client):
    async with await client.chat.completions.create(**asked(stream=True)) as chunks:
        async for _ in chunks:
            pass


async def async_responses(client):
    await client.responses.create(model=MODEL, input="Hello")


async def async_responses_stream(client):
    async for _ in await client.responses.create(model=MODEL, input="Hello", stream=True):
        pass


async def async_refused(client):
    with pytest.raises(openai.RateLimitError):
        await client.chat.completions.create(**{**asked(), "model": "error-429"})


SYNC = (chat, stream, with_stream, responses, responses_stream, tool_calls, refused, broken, responses_refused)
ASYNC = (async_chat, async_stream, async_with_stream, async_responses, async_responses_stream, async_refused)

# What each call makes of model spans.
CALLS = {call: 2 if call is tool_calls else 1 for call in (*SYNC, *ASYNC)}


@contextmanager
def sync_client(model):
    """A client that is closed at the end, so that no socket is left open."""
    with openai.OpenAI(base_url=model.base_url, **CLIENT) as client:
        yield client


@asynccontextmanager
async def async_client(model):
    async with openai.AsyncOpenAI(base_url=model.base_url, **CLIENT) as client:
        yield client


def run(call, model):
    """Make one call, of either kind."""
    if call in SYNC:
        with sync_client(model) as client:
            call(client)
        return

    async def main():
        async with async_client(model) as client:
            await call(client)

    asyncio.run(main())


class Instrumentation:
    """An instrumentation of OpenAI, and of what it sends its requests with, for one provider."""

    def __init__(self, name):
        library, _, http = name.partition("+")
        self.library = library
        self.http = bool(http)
        self.traced = _traced_by(library)
        self._of_http = _of_http() if http else None

    @contextmanager
    def on(self):
        """Have the HTTP client traced, too, where that was asked for."""
        if self._of_http is not None:
            self._of_http.instrument(tracer_provider=self.traced.provider)
        try:
            yield
        finally:
            if self._of_http is not None:
                self._of_http.uninstrument()

    def switch(self, on):
        """Put conversations on spans, or make the spans that there are without us."""
        [ours] = [
            processor
            for processor in self.traced.provider._active_span_processor._span_processors
            if isinstance(processor, langwatch.ConversationSpanProcessor)
        ]
        ours.switch(on)

    def model_calls(self, spans):
        """Those of `spans` that are of calls of the model."""
        return [span for span in spans if span.instrumentation_scope.name.startswith(MODULES[self.library])]


@functools.cache
def _traced_by(library):
    # On until the process ends: what Traceloop's has wrapped it does not all unwrap.
    traced = Traced(backfill=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Written for an older pydantic, it says so as it is imported.
        _load(MODULES[library], "OpenAIInstrumentor").instrument(tracer_provider=traced.provider)
    return traced


def _of_http():
    transport = "HTTPX2" if int(openai.__version__.split(".")[0]) >= 3 else "HTTPX"
    return _load("opentelemetry.instrumentation.httpx", f"{transport}ClientInstrumentor")


def _load(module, kind):
    try:
        return getattr(import_module(module), kind)()
    except (ImportError, AttributeError) as error:
        pytest.skip(f"not run: {error}")


NAMES = (
    "traceloop",
    *(pytest.param(name, marks=pytest.mark.matrix) for name in ("traceloop+http", "genai", "genai+http")),
)
