"""Pydantic AI: an agent with a tool, its conversations by `conversation_id`."""

import asyncio
import contextlib

from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel
from script import METADATA, MODEL, REFUSED_MODEL, SAID, SYSTEM, THREAD, provider, weather

made = provider()
settings = InstrumentationSettings(tracer_provider=made)
Agent.instrument_all(settings)
plain = Agent(OpenAIChatModel(MODEL), instructions=SYSTEM, name="guide")
with_tool = Agent(OpenAIChatModel(MODEL), instructions=SYSTEM, name="guide", tools=[weather])
refused = Agent(OpenAIChatModel(REFUSED_MODEL), instructions=SYSTEM, name="guide")
known = {"conversation_id": THREAD, "metadata": METADATA}


async def main():
    history = []
    for said in SAID[:2]:
        history = (await plain.run(said, message_history=history, **known)).all_messages()
    async with plain.run_stream(SAID[2], message_history=history, **known) as answer:
        async for _ in answer.stream_text():
            pass
        history = answer.all_messages()
    history = (await with_tool.run(SAID[3], message_history=history, **known)).all_messages()
    with contextlib.suppress(ModelHTTPError):
        await refused.run(SAID[4], message_history=history, **known)


asyncio.run(main())
made.shutdown()
