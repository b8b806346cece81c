"""LangGraph under Traceloop's instrumentation of LangChain."""

from opentelemetry.instrumentation.langchain import LangchainInstrumentor
from script import provider

made = provider()
LangchainInstrumentor().instrument(tracer_provider=made)

from graph import converse  # noqa: E402  # What it imports is instrumented by now.

converse()
made.shutdown()
