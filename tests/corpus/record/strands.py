"""Strands: an agent with a tool, the session and user as `trace_attributes`."""

import contextlib

from script import LABELS, MODEL, REFUSED_MODEL, SAID, SYSTEM, THREAD, USER
from script import weather as look_up
from strands import Agent, tool
from strands.models.openai import OpenAIModel
from strands.telemetry import StrandsTelemetry

telemetry = StrandsTelemetry()
telemetry.setup_otlp_exporter()


@tool
def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: Where.
    """
    return look_up(city)


def agent(model, messages, *tools):
    return Agent(
        name="guide",
        model=OpenAIModel(model_id=model, client_args={"max_retries": 0}),
        system_prompt=SYSTEM,
        messages=messages,
        tools=list(tools),
        callback_handler=None,
        retry_strategy=None,
        trace_attributes={"session.id": THREAD, "user.id": USER, "tag.tags": LABELS},
    )


messages = []
for said in SAID[:3]:
    agent(MODEL, messages)(said)
agent(MODEL, messages, weather)(SAID[3])
with contextlib.suppress(Exception):
    agent(REFUSED_MODEL, messages)(SAID[4])
telemetry.tracer_provider.shutdown()
