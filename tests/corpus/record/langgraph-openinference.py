"""LangGraph under OpenInference's instrumentation of LangChain."""

from graph import converse
from openinference.instrumentation.langchain import LangChainInstrumentor
from script import provider

made = provider()
LangChainInstrumentor().instrument(tracer_provider=made)
converse()
made.shutdown()
