"""What is recorded: of each SDK the packages, the program's settings, and what the recording shows."""

from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).parent
RECORDINGS = PROGRAMS.parent

OPENAI = "openai==3.54.0"
OTLP = "opentelemetry-exporter-otlp-proto-http==1.45.2"


@dataclass(frozen=True)
class Environment:
    """One recording: `packages` as pip or npm takes them, the first of them the one whose version is told."""

    shows: str
    packages: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)  # {endpoint} and {model} are the two servers' addresses.
    program: str = ""  # The file, where it is not the recording's name with `.py`.

    @property
    def version(self) -> str:
        """The version of the first package."""
        return self.packages[0].rpartition("==" if "==" in self.packages[0] else "@")[2]

    @property
    def package(self) -> str:
        """The name of the first package."""
        return self.packages[0].rpartition("==" if "==" in self.packages[0] else "@")[0].partition("[")[0]


_CONTENT = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_and_event"}
_GRAPH = ("langchain==1.4.7", "langgraph==1.2.22", "langchain-openai==1.7.3", OPENAI, OTLP)
_GENAI = ("opentelemetry-instrumentation-genai-openai==1.3b0", OPENAI, OTLP)

ENVIRONMENTS = {
    "genai-openai": Environment(
        "contrib's instrumentation of OpenAI's client within agents of util-genai; messages on spans",
        _GENAI,
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only"},
    ),
    "genai-openai-events": Environment(
        "the same; messages in log events",
        _GENAI,
        {
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "event_only",
            "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true",
        },
        program="genai-openai.py",
    ),
    "google-adk": Environment(
        "an agent with a tool; session and user by its runner",
        ("google-adk==2.13.0", "litellm==1.106.2", "mcp==2.3.0", "opentelemetry-exporter-otlp-proto-http==1.44.0"),
        {"LITELLM_LOCAL_MODEL_COST_MAP": "True", **_CONTENT},
    ),
    "laminar": Environment(
        "`@observe(session_id=, user_id=)`, the instrumentation of OpenAI's client",
        ("lmnr==0.8.1", OPENAI),
    ),
    "langfuse": Environment(
        "`@observe`, `propagate_attributes`, the wrapper of OpenAI's client",
        ("langfuse==5.0.4", OPENAI),
        {"LANGFUSE_PUBLIC_KEY": "none", "LANGFUSE_SECRET_KEY": "none", "LANGFUSE_BASE_URL": "{endpoint}"},
    ),
    "langgraph-openinference": Environment(
        "LangGraph with `configurable.thread_id`, under OpenInference's instrumentation of LangChain",
        ("openinference-instrumentation-langchain==0.1.80", *_GRAPH),
    ),
    "langgraph-traceloop": Environment(
        "LangGraph with `configurable.thread_id`, under Traceloop's instrumentation of LangChain",
        ("opentelemetry-instrumentation-langchain==0.62.4", *_GRAPH),
    ),
    "langsmith": Environment(
        "`@traceable`, the wrapper of OpenAI's client, in OpenTelemetry mode",
        ("langsmith[otel]==0.15.0", OPENAI),
        {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_OTEL_ENABLED": "true",
            "LANGSMITH_OTEL_ONLY": "true",
            "LANGSMITH_API_KEY": "none",
            "LANGSMITH_ENDPOINT": "{endpoint}",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{endpoint}/v1/traces",
        },
    ),
    "langwatch": Environment(
        "`@langwatch.trace(metadata=...)`, tracked OpenAI calls, a tool's span",
        ("langwatch==1.4.0", OPENAI),
    ),
    "logfire": Environment(
        "`instrument_openai`, `set_baggage`, default scrubbing",
        ("logfire==5.2.0", OPENAI),
    ),
    "mlflow": Environment(
        "`@mlflow.trace`, `mlflow.openai.autolog`, `mlflow.tracing.context`, exported over OTLP",
        ("mlflow==3.17.2", OPENAI, OTLP),
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{endpoint}/v1/traces", "MLFLOW_TRACKING_URI": "{endpoint}"},
    ),
    "openai-v2": Environment(
        "contrib's older instrumentation of OpenAI's client, with content: a log event for each message",
        # From 2.4b0 on it has no log event for each message.
        ("opentelemetry-instrumentation-openai-v2==2.3b0", "wrapt<2", "openai==2.54.0", OTLP),
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"},
    ),
    "openai-v2-latest": Environment(
        "its last version, with the latest conventions; messages on spans and in log events",
        # Later ones of util-genai lack a module that it imports.
        ("opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-util-genai==1.1b0", "openai==2.54.0", OTLP),
        {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental", **_CONTENT},
        program="openai-v2.py",
    ),
    "openinference": Environment(
        "`using_attributes`, the instrumentation of OpenAI's client, decorators",
        ("openinference-instrumentation-openai==0.1.66", "openinference-instrumentation==0.1.72", OPENAI, OTLP),
    ),
    "openlit": Environment(
        "`openlit.trace`, `using_attributes`, the instrumentation of OpenAI's client",
        ("openlit==1.45.0", "openai==2.54.0"),
    ),
    "posthog": Environment(
        "its span processor and contexts, behind contrib's instrumentation of OpenAI's client",
        ("posthog[otel]==7.91.1", *_GENAI),
        _CONTENT,
    ),
    "pydantic-ai": Environment(
        "agents with a tool; `conversation_id`",
        ("pydantic-ai-slim[openai]==2.68.0", OPENAI, OTLP),
    ),
    "strands": Environment(
        "agents with a tool; session and user as `trace_attributes`; messages in span events",
        ("strands-agents[openai,otel]==1.62.0", "openai==2.54.0"),
    ),
    "traceloop": Environment(
        "`@workflow`, `@conversation`, association properties, the instrumentation of OpenAI's client",
        ("traceloop-sdk==0.62.4", OPENAI, "httpx"),
    ),
    "vercel-ai": Environment(
        "`experimental_telemetry` with metadata",
        (
            "ai@6.0.326",
            "@ai-sdk/openai@3.0.141",
            "@opentelemetry/exporter-trace-otlp-proto@0.223.1",
            "@opentelemetry/sdk-trace-node@2.12.0",
            "zod@4.6.7",
        ),
        program="vercel-ai.mjs",
    ),
    "weave": Environment(
        "conversations, turns and model calls, recorded by hand",
        ("weave==0.54.0", OPENAI, OTLP),
    ),
}
