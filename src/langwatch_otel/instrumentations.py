"""Which other instrumentors setup() turns on, where the library and its instrumentation are both installed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ._guard import guarded, say_once

# (library, module, class). The first that is installed of those for one library is the one.
_KNOWN = (
    ("openai", "opentelemetry.instrumentation.openai", "OpenAIInstrumentor"),
    ("openai", "opentelemetry.instrumentation.genai.openai", "OpenAIInstrumentor"),
    ("httpx", "opentelemetry.instrumentation.httpx", "HTTPXClientInstrumentor"),
    ("httpx2", "opentelemetry.instrumentation.httpx", "HTTPX2ClientInstrumentor"),
    ("requests", "opentelemetry.instrumentation.requests", "RequestsInstrumentor"),
    ("aiohttp", "opentelemetry.instrumentation.aiohttp_client", "AioHttpClientInstrumentor"),
)

# Read at each call; nothing that an instrumentor is given does the same for every kind of call.
_TRACELOOP_CONTENT = "TRACELOOP_TRACE_CONTENT"


def turn_on(instrumentors: Sequence[Any], provider: Any) -> list[Any]:
    """Turn on `instrumentors`; return those that were not on before."""
    ours = []
    for instrumentor in instrumentors:
        if getattr(instrumentor, "is_instrumented_by_opentelemetry", False):
            continue
        with guarded(f"turning on {type(instrumentor).__name__}"):
            instrumentor.instrument(tracer_provider=provider)
            ours.append(instrumentor)
    return ours


def warn_of_content(instrumentor: Any) -> None:
    """Say that an instrumentation records prompts although `capture_content` is off; only its variable stops it."""
    recorded = os.environ.get(_TRACELOOP_CONTENT, "true").strip().lower() in ("true", "1", "yes", "on")
    if recorded and type(instrumentor).__module__.startswith("opentelemetry.instrumentation.openai"):
        say_once(f"capture_content=false does not reach OpenAI's own spans: set {_TRACELOOP_CONTENT}=false")


def installed() -> list[Any]:
    """Return the instrumentors of OpenAI and of HTTP clients that are installed, and their libraries too."""
    found: dict[str, Any] = {}
    for library, module, name in _KNOWN:
        if library in found or not _importable(library) or not _importable(module):
            continue
        with guarded(f"loading {module}"):
            kind = getattr(import_module(module), name, None)
            if kind is not None:
                found[library] = kind()
    if "openai" not in found and _importable("openai"):
        say_once("openai is installed, its instrumentor is not: pip install 'langwatch-otel[openai]'")
    return list(found.values())


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
