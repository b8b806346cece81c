"""The script's conversation as an agent of LangChain and LangGraph, with `configurable.thread_id`."""

import contextlib

import openai
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from script import LABELS, MODEL, REFUSED_MODEL, SAID, SYSTEM, THREAD, USER
from script import weather as look_up


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return look_up(city)


CONFIG = {
    "configurable": {"thread_id": THREAD},
    "metadata": {"user_id": USER},
    "tags": LABELS,
    "recursion_limit": 10,
}


def converse(config=CONFIG):
    """Have all turns of the script."""
    remembered = InMemorySaver()

    def agent(model, *tools):
        made = ChatOpenAI(model=model, max_retries=0, stream_usage=True)
        return create_agent(made, list(tools), system_prompt=SYSTEM, checkpointer=remembered, name="guide")

    def asked(said):
        return {"messages": [{"role": "user", "content": said}]}

    plain = agent(MODEL)
    for said in SAID[:2]:
        plain.invoke(asked(said), config)
    list(plain.stream(asked(SAID[2]), config, stream_mode="messages"))
    agent(MODEL, weather).invoke(asked(SAID[3]), config)
    with contextlib.suppress(openai.RateLimitError):
        agent(REFUSED_MODEL).invoke(asked(SAID[4]), config)
