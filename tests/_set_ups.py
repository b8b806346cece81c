"""What the doctor is asked about: set-ups broken in one way each, and what it says of them."""

import sys

from _doctor import AUTOMATIC, BASE, SetUp, requests_to
from _servers import free_port

SECRET = "hunter2"

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

OURS_ALONE = {"langwatch-otel": BASE["langwatch-otel"]}
SOURCES = "header:X-Thread,path:thread_id"
PORTS = {name: free_port() for name in ("matched", "never")}

START_DO = "see the error above; OTEL_PYTHON_DISABLED_INSTRUMENTATIONS leaves an instrumentor out"
OFF = ("plugin", "it is off", "see what failed as OpenTelemetry started, here and above")
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
NO_EXPORTER = ("provider", "it has no exporter", "OTEL_TRACES_EXPORTER=otlp; it is not set")


def not_taken(where, why, to_do="start what should listen there, or set OTEL_EXPORTER_OTLP_ENDPOINT to where it is"):
    """The line for an endpoint that does not take an export."""
    return "endpoint", f"{where} did not take an empty export: {why}", to_do


def too_long(backend, key, length):
    """The line for a backend that takes less than ids may have."""
    to_do = f"OTEL_LANGWATCH_MAX_ID_LENGTH={length}, in every service"
    return "limits", f"{backend} takes {length} characters in {key}, ids have up to 240", to_do


# {name: (what is arranged, what the doctor says is wrong)}; the endpoint is one that answers unless it is named.
BROKEN = {
    "nothing listens at the endpoint": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "nobody"}),
        [not_taken("http://127.0.0.1:PORT by http/protobuf", "ConnectionRefusedError")],
    ),
    "the endpoint wants a key": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "refuses", "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRET}"}),
        [
            not_taken(
                "http://127.0.0.1:PORT by http/protobuf",
                "HTTP 401",
                "see to the credentials in OTEL_EXPORTER_OTLP_HEADERS, or LANGWATCH_API_KEY",
            )
        ],
    ),
    "another protocol": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
        [not_taken("127.0.0.1:PORT by grpc", "gRPC UNAVAILABLE")],
    ),
    "no entry point": (
        SetUp(packages={**BASE, "langwatch-otel": ("0.1.0", {})}),
        [
            (
                "plugin",
                "its entry point is not among what is installed",
                "pip install --force-reinstall langwatch-otel; a folder on PYTHONPATH is not enough",
            ),
            OFF,
        ],
    ),
    "another instrumentor raises": (
        SetUp(packages={"a-broken": ("1.0", {"opentelemetry_instrumentor": {"b": "some_packages:Broken"}}), **BASE}),
        [
            ("start", "Instrumenting of b failed (KeyError)", START_DO),
            ("start", "Failed to auto initialize OpenTelemetry (KeyError)", START_DO),
            OFF,
        ],
    ),
    "turned off by a variable": (
        SetUp(variables={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}),
        [("plugin", "it is off", "take it out of OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")],
    ),
    "the SDK is disabled": (
        SetUp(variables={"OTEL_SDK_DISABLED": "true"}),
        [("plugin", "it is off", "unset OTEL_SDK_DISABLED")],
    ),
    "a second distro": (
        SetUp(packages={"a-silent": ("1.0", {"opentelemetry_distro": {"s": "some_packages:SilentDistro"}}), **BASE}),
        [
            (
                "start",
                "2 distros are installed: s of a-silent, first of a-distro",
                "uninstall one, or name one with OTEL_PYTHON_DISTRO",
            ),
            NO_EXPORTER,
        ],
    ),
    "a distro that is not there": (
        SetUp(variables={"OTEL_PYTHON_DISTRO": "acme"}),
        [("start", "OTEL_PYTHON_DISTRO names acme, which is not installed", "one of first, or unset it"), NO_EXPORTER],
    ),
    "no distro": (
        SetUp(packages=OURS_ALONE, command=(*AUTOMATIC, sys.executable, "-c", "pass")),
        [
            ("start", "no configurator is installed", "pip install opentelemetry-distro"),
            ("provider", "there is no tracer provider", "see what is said of the start and of the file"),
        ],
    ),
    "instrumentors of OpenAI": (
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
                "pip uninstall opentelemetry-instrumentation-openai-v2; "
                "pip install --pre opentelemetry-instrumentation-genai-openai",
            ),
            (
                "packages",
                "2 instrumentors of OpenAI are installed: opentelemetry-instrumentation-openai, "
                "opentelemetry-instrumentation-openai-v2",
                "pip uninstall opentelemetry-instrumentation-openai-v2",
            ),
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
    "nothing is sampled": (
        SetUp(variables={"OTEL_TRACES_SAMPLER": "always_off"}),
        [("provider", "its sampler drops every span", "OTEL_TRACES_SAMPLER=parentbased_always_on")],
    ),
    "no exporter": (
        SetUp(variables={"OTEL_TRACES_EXPORTER": "none"}),
        [("provider", "it has no exporter", "OTEL_TRACES_EXPORTER=otlp; it is none")],
    ),
    "a file without the package that reads it": (
        SetUp(variables={"OTEL_CONFIG_FILE": "otel.yaml"}),
        [
            (
                "file",
                "OTEL_CONFIG_FILE needs a package that is not installed",
                "pip install opentelemetry-configuration",
            ),
            OFF,
            ("provider", "there is no tracer provider", "see what is said of the start and of the file"),
        ],
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
