"""Three conversations with the chatbot, and the spans of them that came over OTLP."""

import http.client
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from openai import OpenAI
from opentelemetry import trace

import langwatch_otel as langwatch
from langwatch_otel.workbench.receiver import ReceivedSpan, Receiver

from .app_server import AppServer
from .chatbot import build_app
from .model_server import ModelServer

# (thread, user, what the user says): two threads of one user, and one of another.
CONVERSATIONS = (
    (
        "trip-to-lisbon",
        "ana",
        (
            "I have three days in Lisbon. What should I see?",
            "Which of these is best in the rain?",
            "What did I ask you first?",
        ),
    ),
    (
        "invoice-1042",
        "ana",
        ("Why is invoice 1042 higher than the last one?", "Please send me a copy.", "Thank you!"),
    ),
    (
        "kyoto-7",
        "yuki",
        ("京都で静かなお寺を探しています。", "そこまでどう行けばいいですか。", "ありがとう!"),
    ),
)
TURNS = sum(len(said) for _, _, said in CONVERSATIONS)

MODEL_SECONDS = 0.05  # A model takes its time; an answer in no time would make every duration zero.
ANSWER_SECONDS = 60
ARRIVAL_SECONDS = 10

# What these say is about the user's own programs, and would send our spans elsewhere or nowhere.
_NOT_FOR_US = ("OTEL_", "LANGWATCH_", "TRACELOOP_")

Step = Callable[[str], None]


class DemoError(Exception):
    """The demonstration could not be given."""


def hold(step: Step) -> list[ReceivedSpan]:
    """Hold the conversations, calling `step` before each turn, and return every span of them."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        stack.enter_context(_environment(receiver.endpoint))
        langwatch.setup(service_name="langwatch-otel-demo")
        # However this ends, no span may be left that the SDK tries to send after the receiver has gone.
        stack.callback(_flush)
        client = stack.enter_context(_client(stack))
        with AppServer(build_app(client)) as chatbot:
            _talk(chatbot.port, step)
        # A server span ends after its answer has been read: only now has the last one ended.
        step("waiting for the spans")
        if not _flush():
            raise DemoError("the spans could not be sent")
        try:
            return receiver.wait_for(_complete, ARRIVAL_SECONDS)
        except TimeoutError as error:
            raise DemoError(f"not every turn has arrived: {error}") from error


def _talk(port: int, step: Step) -> None:
    for turn in range(max(len(said) for _, _, said in CONVERSATIONS)):
        for thread_id, user_id, said in CONVERSATIONS:
            if turn < len(said):
                step(f"{user_id} in {thread_id}")
                _chat(port, thread_id=thread_id, user_id=user_id, message=said[turn])


def _chat(port: int, **request: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", "/chat", json.dumps(request), {"Content-Type": "application/json"})
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        hint = " (OPENAI_API_KEY is set; without it a stand-in answers)" if _has_key() else ""
        raise DemoError(f"the chatbot answered {status}{hint}")


def _client(stack: ExitStack) -> OpenAI:
    if _has_key():
        return OpenAI()
    model = stack.enter_context(ModelServer(delay=MODEL_SECONDS))
    return OpenAI(base_url=model.base_url, api_key="none")


def _has_key() -> bool:
    return bool(os.environ.get("OPENAI_API_KEY"))


def _flush() -> bool:
    # The API's provider, which is all that a program knows of, has no force_flush.
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    return flush is not None and bool(flush())


def _complete(spans: list[ReceivedSpan]) -> bool:
    return sum(not span.parent_span_id for span in spans) >= TURNS


@contextmanager
def _environment(endpoint: str) -> Iterator[None]:
    saved = dict(os.environ)
    for name in saved:
        if name.startswith(_NOT_FOR_US):
            del os.environ[name]
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (saved.get(name), "127.0.0.1")))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
