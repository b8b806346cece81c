"""What the doctor is asked about: set-ups broken in one way each, and what it says of them."""

import sys

from _doctor import BASE, SetUp, requests_to
from _servers import free_port
from _set_ups_of_endpoints import ENDPOINTS, SECRET
from _set_ups_of_the_start import OURS_ALONE, START

APP = """
import langwatch_otel as langwatch
from fastapi import FastAPI

langwatch.setup(instrumentors=[])

app = FastAPI()


@app.post("/chat/{thread}")
def chat(thread: str):
    return {}
"""

UVICORN = (sys.executable, "-m", "uvicorn", "app:app", "--log-level", "warning", "--port")

SOURCES = "header:X-Thread,path:thread_id"
PORTS = {name: free_port() for name in ("matched", "never")}

OFF_IN_CODE = (
    "plugin",
    "it is off",
    "call setup() or LangWatchInstrumentor().instrument() as the program starts, or use opentelemetry-instrument",
)
NO_PROVIDER = (
    "provider",
    "there is no tracer provider",
    "call setup(), or start the command with opentelemetry-instrument",
)


def too_long(backend, key, length):
    """The line for a backend that takes less than ids may have."""
    to_do = f"OTEL_LANGWATCH_MAX_ID_LENGTH={length}, in every service"
    return "limits", f"{backend} takes {length} characters in {key}, ids have up to 240", to_do


# {name: (what is arranged, what the doctor says is wrong)}; the endpoint is one that answers unless it is named.
BROKEN = {
    **ENDPOINTS,
    **START,
    "an instrumentor of OpenAI that cannot be imported": (
        SetUp(
            packages={
                "opentelemetry-instrumentation-openai": ("0.62.4", {}),
                "opentelemetry-instrumentation-openai-v2": ("2.4b0", {}),
                "opentelemetry-util-genai": ("1.3b0", {}),
                **BASE,
            }
        ),
        [
            (
                "packages",
                "opentelemetry-instrumentation-openai-v2 cannot be imported beside opentelemetry-util-genai N",
                "pip uninstall opentelemetry-instrumentation-openai-v2",
            )
        ],
    ),
    "two instrumentors of OpenAI": (
        SetUp(
            packages={
                "opentelemetry-instrumentation-openai": ("0.62.4", {}),
                "openinference-instrumentation-openai": ("0.1.40", {}),
                **BASE,
            }
        ),
        [
            (
                "packages",
                "2 instrumentors of OpenAI are installed: opentelemetry-instrumentation-openai, "
                "openinference-instrumentation-openai",
                "pip uninstall openinference-instrumentation-openai",
            )
        ],
    ),
    "no baggage": (
        SetUp(variables={"OTEL_PROPAGATORS": "tracecontext"}),
        [("propagators", "traceparent, tracestate, without baggage", "OTEL_PROPAGATORS=tracecontext,baggage")],
    ),
    "a limit that cuts ids": (
        SetUp(variables={"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "32"}),
        [("limits", "attributes of spans are cut at 32 characters, ids at 200", "OTEL_LANGWATCH_MAX_ID_LENGTH=32")],
    ),
    "a limit that pushes ids out": (
        SetUp(variables={"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "8"}),
        [
            (
                "limits",
                "a span keeps 8 attributes, the last that were set",
                "raise OTEL_ATTRIBUTE_COUNT_LIMIT or OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            )
        ],
    ),
    "a backend's limit": (
        SetUp(
            variables={
                "OTEL_LANGWATCH_CONVENTIONS": "otel,langfuse,mlflow,azure_monitor",
                "OTEL_LANGWATCH_MAX_ID_LENGTH": "240",
            }
        ),
        [
            too_long("Langfuse", "session.id", 200),
            too_long("Langfuse", "user.id", 200),
            too_long("Azure Monitor, Application Insights", "session.id", 64),
        ],
    ),
    "wrong settings": (
        SetUp(
            variables={
                "OTEL_LANGWATCH_BACKFIL": SECRET,
                "OTEL_LANGWATCH_MAX_ID_LENGTH": "5",
                "OTEL_LANGWATCH_USER_ID_HASH_KEY": SECRET,
            }
        ),
        [
            ("settings", what, "correct it, or take it out")
            for what in (
                "OTEL_LANGWATCH_BACKFIL is no setting (perhaps OTEL_LANGWATCH_BACKFILL)",
                "setting 'max_id_length' takes a whole number from 16 to 1024, got '5'",
                "setting 'user_id_hash_key' takes a secret of 16 bytes or more, got a value that is not shown",
            )
        ],
    ),
    "a wrong setting, in code": (
        SetUp(packages=OURS_ALONE, variables={"OTEL_LANGWATCH_BACKFILL": "maybe"}),
        [("settings", "setting 'backfill' takes true or false, got 'maybe'", "correct it, or take it out")],
    ),
    "nothing is sampled": (
        SetUp(variables={"OTEL_TRACES_SAMPLER": "always_off"}),
        [("provider", "its sampler drops every span", "OTEL_TRACES_SAMPLER=parentbased_always_on")],
    ),
    "no exporter": (
        SetUp(variables={"OTEL_TRACES_EXPORTER": "none"}),
        [("provider", "it has no exporter", "OTEL_TRACES_EXPORTER=otlp; it is none")],
    ),
    "a command that fails": (
        SetUp(command=(sys.executable, "-c", f"raise SystemExit('{SECRET}')")),
        [
            (
                "command",
                "it ended by itself with status 1",
                "see what it wrote above, and start it without the doctor first",
            ),
            OFF_IN_CODE,
            NO_PROVIDER,
        ],
    ),
    "no Python": (
        SetUp(command=("sleep", "60"), options=("--seconds", "0.5")),
        [
            (
                "command",
                "no Python in it could be looked into",
                "start Python itself, without -I, -E and -S, and with the doctor's PYTHONPATH",
            )
        ],
    ),
    "sources that never match": (
        SetUp(
            files={"app.py": APP},
            variables={"OTEL_LANGWATCH_THREAD_ID_FROM": SOURCES},
            command=(*UVICORN, str(PORTS["never"])),
            do=requests_to(PORTS["never"], (f"/chat/{SECRET}", {"x-thred": SECRET})),
        ),
        [
            (
                "sources",
                "thread_id: no source matched in any request (header:x-thread gave 0 of 1, path:thread_id gave 0 of 1)",
                "see to the spelling in OTEL_LANGWATCH_THREAD_ID_FROM, and to what clients send",
            )
        ],
    ),
}
