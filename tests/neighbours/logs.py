"""`logging` and GenAI events in a conversation: `python logs.py ORDER`, with records sent to `THEIRS` over OTLP."""

import logging
import os
import sys

import model
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

import langwatch_otel

logs = LoggerProvider()


def theirs():
    """Set up what has nothing of ours."""
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{os.environ['THEIRS']}/v1/logs")))
    set_logger_provider(logs)
    provider = model.provider(os.environ["THEIRS"])
    LoggingInstrumentor().instrument(logger_provider=logs)
    OpenAIInstrumentor().instrument(tracer_provider=provider, logger_provider=logs)


steps = [langwatch_otel.LangWatchInstrumentor().instrument, theirs]
for step in steps if sys.argv[1] == "first" else reversed(steps):
    step()

said = logging.getLogger("application")
said.warning("outside")
with langwatch_otel.trace(name="turn", thread_id="t-1", user_id="u-1"):
    said.warning("inside")
    model.answer(model.client(), "Hello")
logs.force_flush()
os._exit(0)
