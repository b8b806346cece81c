"""What every recorded program does: one conversation, said to OpenAI's client in five turns.

Two answers, one answer in a stream, one with a call of a tool, and one that the provider refuses.
"""

import contextlib
import os

THREAD = "thread-1"
USER = "user-1"
CUSTOMER = "customer-1"
LABELS = ["first", "zweites"]
METADATA = {"plan": "gold"}

MODEL = "gpt-4.1"
REFUSED_MODEL = "error-429"

SYSTEM = "You are a guide. Antworte kurz."
SAID = (
    "My name is Zoë, and I like 京都.",
    "What is my name?",
    "Vielen Dank, ありがとう 🍵",
    "Wie ist das Wetter in Zürich?",
    "One more, please.",
)

BASE_URL = os.environ.get("OPENAI_BASE_URL", "")
ENDPOINT = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"In {city}: 21 °C, sonnig."


class Chat:
    """One conversation with OpenAI's client `client`; `turn` does each turn of the script and returns the answer."""

    def __init__(self, client, weather=weather):
        self.client = client
        self.weather = weather
        self.messages = [{"role": "system", "content": SYSTEM}]

    def turn(self, said):
        """Do the turn in which the user says `said`."""
        do = (self.answer, self.answer, self.stream, self.use_tool, self.refuse)[SAID.index(said)]
        return do(said)

    def _create(self, **more):
        return self.client.chat.completions.create(**{"model": MODEL, "messages": self.messages, **more})

    def _say(self, said):
        self.messages = [*self.messages, {"role": "user", "content": said}]

    def _answered(self, text):
        self.messages = [*self.messages, {"role": "assistant", "content": text}]
        return text

    def answer(self, said):
        """Get an answer in one piece."""
        self._say(said)
        return self._answered(self._create(temperature=0.5, max_tokens=100).choices[0].message.content)

    def stream(self, said):
        """Get an answer word by word."""
        self._say(said)
        chunks = list(self._create(stream=True, stream_options={"include_usage": True}))
        return self._answered("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))

    def use_tool(self, said):
        """Get an answer for which a tool is called."""
        self._say(said)
        first = self._create(tools=[TOOL]).choices[0].message
        [call] = first.tool_calls
        asked = {"id": call.id, "type": "function", "function": call.function.to_dict()}
        said_by_tool = self.weather(said)
        self.messages = [
            *self.messages,
            {"role": "assistant", "content": None, "tool_calls": [asked]},
            {"role": "tool", "tool_call_id": call.id, "content": said_by_tool},
        ]
        return self._answered(self._create(tools=[TOOL]).choices[0].message.content)

    def refuse(self, said):
        """Ask for what the provider refuses; return nothing."""
        import openai

        self._say(said)
        with contextlib.suppress(openai.APIStatusError):
            self._create(model=REFUSED_MODEL)


def provider(**resource):
    """Return a tracer provider of plain OpenTelemetry that exports what is recorded, also made the global one."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = TracerProvider(resource=Resource.create({"service.name": "corpus", **resource}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(made)
    return made


def logger_provider():
    """Return a logger provider of plain OpenTelemetry, for the same service."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    made = LoggerProvider(resource=Resource.create({"service.name": "corpus"}))
    made.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    return made
