"""The examples, run as a user runs them."""

from collections import defaultdict

import fastapi
import pytest

from _clients import model_calls
from _making import NATIVE, new_fastapi
from _servers import chat, uvicorn_process
from langwatch_otel.cli.model_server import ModelServer
from langwatch_otel.workbench.receiver import Receiver

TURNS = (
    ("t-ana", "ana", "My name is Ana."),
    ("t-yuki", "ユキ", "こんにちは"),
    ("t-ana", "ana", "What is my name?"),
    ("t-yuki", "ユキ", "What did I say first?"),
)
REPLIES = [
    'You said "My name is Ana.". That makes 1 so far.',
    'You said "こんにちは". That makes 1 so far.',
    "Your name is Ana.",
    'First you said: "こんにちは"',
]
OWN = ("POST /chat", "fastapi.dependencies", "fastapi.endpoint", "fastapi.serialization")
CONTRIB = ("POST /chat", "POST /chat http receive", "POST /chat http send", "POST /chat http send")
FASTAPI = OWN if NATIVE else CONTRIB
SENDS_TWICE = pytest.mark.skipif(
    fastapi.__version__.startswith("0.142."), reason="not run: FastAPI 0.142 sends what others send once more"
)


@pytest.mark.parametrize(
    ("example", "names"),
    [
        ("fastapi_chatbot", (*FASTAPI, "chat", "openai.chat", *model_calls())),
        pytest.param("existing_opentelemetry", (*OWN, "openai.chat"), marks=[new_fastapi, SENDS_TWICE]),
    ],
)
def test_every_span_of_an_example_has_its_thread_and_its_user(example, names):
    """Each turn's spans, the server's and the model's too, bear that turn's ids when the program ends."""
    with Receiver() as receiver, ModelServer() as model:
        environment = {
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "none",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        }
        with uvicorn_process(f"examples.{example}:app", **environment) as port:
            replies = [chat(port, *turn) for turn in TURNS]
        turns = defaultdict(list)
        for span in sorted(receiver.spans, key=lambda span: span.start_ns):
            ids = (span.attributes.get("session.id"), span.attributes.get("user.id"))
            turns[span.trace_id].append((*ids, span.name))

    assert replies == REPLIES
    assert [sorted(turn) for turn in turns.values()] == [
        sorted((thread_id, user_id, name) for name in names) for thread_id, user_id, _ in TURNS
    ]
