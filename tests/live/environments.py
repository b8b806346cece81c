"""Virtual environments of what is tried, made once, outside of the checkout: in `LIVE_CACHE`, or the user's cache."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("LIVE_CACHE") or Path.home() / ".cache" / "langwatch-otel" / "live")

_OPENAI = "openai==3.54.0"
_APPLICATION = (
    "fastapi==0.165.0",
    "uvicorn",
    "websockets",
    "opentelemetry-exporter-otlp",
    "opentelemetry-instrumentation-fastapi",
    _OPENAI,
)
_INSTRUMENTATION = "opentelemetry-instrumentation-openai==0.62.4"

# The first package of each is the one whose version is told.
PACKAGES = {
    "agentmesh": ("agentmesh-ai[otlp]==0.5.0",),
    "clickhouse": ("chdb-core-lite==26.5.0",),
    "mlflow": ("mlflow==3.17.2",),
    "phoenix": ("arize-phoenix==20.26.1",),
    "rotel": ("rotel==0.0.1a15",),
    "attribute": ("opentelemetry-sdk==1.45.1", _INSTRUMENTATION, *_APPLICATION),
    "baggage": ("opentelemetry-processor-baggage==0.66b1", _INSTRUMENTATION, *_APPLICATION),
    "braintrust": ("braintrust[otel]==0.47.0", _INSTRUMENTATION, *_APPLICATION),
    "laminar": ("lmnr==0.8.1", *_APPLICATION),
    "langfuse": ("langfuse==5.0.4", *_APPLICATION),
    "langwatch": ("langwatch==1.4.0", *_APPLICATION),
    "logfire": ("logfire[fastapi]==5.2.0", *_APPLICATION),
    "openinference": (
        "openinference-instrumentation==0.1.72",
        "openinference-instrumentation-openai==0.1.66",
        *_APPLICATION,
    ),
    "ours": ("opentelemetry-sdk==1.45.1", _INSTRUMENTATION, *_APPLICATION),
    "posthog": ("posthog[otel]==7.91.1", _INSTRUMENTATION, *_APPLICATION),
    "traceloop": ("traceloop-sdk==0.62.4", "httpx", *_APPLICATION),
}

# Those of OpenTelemetry alone: what the others go with, they say themselves.
PINNED = ("attribute", "baggage", "ours")
CONSTRAINTS = Path(__file__).parent.parent.parent / "constraints.txt"


class CannotRunError(Exception):
    """What is asked for cannot be had on this machine."""


def version(name):
    """The version of what `name` is about."""
    return PACKAGES[name][0].rpartition("==")[2]


def package(name):
    """The package that `name` is about."""
    return PACKAGES[name][0].rpartition("==")[0].partition("[")[0]


def environment(name):
    """The folder with the packages of `name`, installed at the first call; the same packages are installed once."""
    folder = CACHE / name
    done, wanted = folder / "installed.json", json.dumps([*PACKAGES[name], *sys.version_info[:2]])
    if done.exists() and done.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    python, pins = folder / "bin" / "python", ["-c", CONSTRAINTS] if name in PINNED else []
    if uv := shutil.which("uv"):  # It does in seconds what takes pip a minute.
        make, pip = [uv, "venv", "--quiet", "--python", sys.executable], [uv, "pip", "install", "--python", python]
    else:
        make, pip = [sys.executable, "-m", "venv"], [python, "-m", "pip", "install"]
    subprocess.run([*make, folder], check=True)
    installed = subprocess.run([*pip, "--quiet", *pins, *PACKAGES[name]], capture_output=True, text=True)
    if installed.returncode:
        raise CannotRunError(f"{PACKAGES[name][0]} could not be installed")
    done.write_text(wanted)
    return folder


def program(name, command):
    """The program `command` of the packages of `name`."""
    return environment(name) / "bin" / command
