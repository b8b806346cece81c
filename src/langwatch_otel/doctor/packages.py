"""Versions, and pairs of packages that are known to fail together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "packages"

_SHOWN = ("langwatch-otel", "opentelemetry-sdk", "opentelemetry-instrumentation", "fastapi", "openai")

_V2 = "opentelemetry-instrumentation-openai-v2"
_GENAI = "opentelemetry-instrumentation-genai-openai"

OPENAI = (
    "opentelemetry-instrumentation-openai",
    _V2,
    _GENAI,
    "openinference-instrumentation-openai",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Say what is installed, and what of it does not go together."""
    versions = facts["packages"]["versions"]
    named = [f"{name} {versions[name]}" for name in _SHOWN if name in versions]
    yield Finding("ok", CHECK, ", ".join([f"Python {facts['process']['python']}", *named]))
    yield from _of_openai(facts)
    yield from _of_fastapi(facts)


def _of_openai(facts: Facts) -> Iterator[Finding]:
    versions = facts["packages"]["versions"]
    several = [name for name in OPENAI if name in versions]
    if _V2 in several and _version(versions.get("opentelemetry-util-genai", "")) >= (1, 3):
        several.remove(_V2)
        yield Finding(
            "wrong",
            CHECK,
            f"{_V2} cannot be imported beside opentelemetry-util-genai {versions['opentelemetry-util-genai']}",
            "it makes no spans, and nothing is logged",
            f"pip uninstall {_V2}" + ("" if several else f"; pip install --pre {_GENAI}"),
        )
    if len(several) > 1:
        automatic = facts["process"]["auto"]
        yield Finding(
            "wrong" if automatic else "note",
            CHECK,
            f"{len(several)} instrumentors of OpenAI are installed: {', '.join(several)}",
            "each call makes a span of each, and tokens are counted twice"
            if automatic
            else "setup() turns on one of them; opentelemetry-instrument would turn on all",
            f"pip uninstall {' '.join(several[1:])}",
        )


def _of_fastapi(facts: Facts) -> Iterator[Finding]:
    version = facts["packages"]["versions"].get("fastapi", "")
    if "fastapi" in facts["instrumentors"] and _version(version) >= (0, 142):
        yield Finding(
            "note",
            CHECK,
            f"contrib's FastAPI instrumentation silences the spans that FastAPI {version} makes itself",
            "there are no fastapi.dependencies and fastapi.endpoint spans; ids are on contrib's",
            "nothing, or pip uninstall opentelemetry-instrumentation-fastapi",
        )


def _version(text: str) -> tuple[int, ...]:
    """Return the release of `text`: pre-releases count as what they come before."""
    return tuple(map(int, re.findall(r"\d+", (re.match(r"[\d.]*", text) or [""])[0])))
