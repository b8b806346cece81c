"""Google's ADK: an agent with a tool, its session and user by the runner."""

import asyncio
import contextlib

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types
from script import MODEL, REFUSED_MODEL, SAID, SYSTEM, THREAD, USER, provider, weather

made = provider()


async def main():
    sessions = InMemorySessionService()
    await sessions.create_session(app_name="corpus", user_id=USER, session_id=THREAD)

    async def run(said, model, *tools, **config):
        agent = LlmAgent(name="guide", model=LiteLlm(f"openai/{model}"), instruction=SYSTEM, tools=list(tools))
        runner = Runner(app_name="corpus", agent=agent, session_service=sessions)
        message = types.Content(role="user", parts=[types.Part(text=said)])
        asked = {"user_id": USER, "session_id": THREAD, "new_message": message, "run_config": RunConfig(**config)}
        async for _ in runner.run_async(**asked):
            pass

    for said in SAID[:2]:
        await run(said, MODEL)
    await run(SAID[2], MODEL, streaming_mode=StreamingMode.SSE)
    await run(SAID[3], MODEL, weather)
    with contextlib.suppress(Exception):
        await run(SAID[4], REFUSED_MODEL)


asyncio.run(main())
made.shutdown()
