"""Which provider, exporters and HTTP client instrumentors are in force."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Facts, Finding

CHECK = "provider"

CLIENTS = ("httpx", "httpx2", "requests", "aiohttp-client", "urllib", "urllib3")


def check(facts: Facts) -> Iterator[Finding]:
    """Say what spans pass on their way out."""
    found = facts["provider"]
    if found is None:
        yield from _none(facts)
        return
    processors = found["processors"]
    exporters = [each["exporter"] for each in processors if each["exporter"]]
    if exporters:
        shown = [
            f"{_short(each['exporter'])} in {_short(each['type'])}{' (backfill)' if each['wrapped'] else ''}"
            for each in processors
            if each["exporter"]
        ]
        yield Finding("ok", CHECK, f"{_short(found['type'])} exports by {', '.join(shown)}")
    elif all(_is_ours(each["type"]) for each in processors):
        yield Finding("wrong", CHECK, "it has no exporter", "spans are made and thrown away", _exporter_for(facts))
    else:
        yield Finding("note", CHECK, "its exporters are of a kind that cannot be seen", "they were not asked")
    yield from _of_processors(facts)
    yield from _clients(facts)


def _none(facts: Facts) -> Iterator[Finding]:
    process = facts["process"]
    if facts["variables"].get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        yield Finding("wrong", CHECK, "OTEL_SDK_DISABLED is true", "nothing is recorded", "unset it")
    elif not (process["bare"] and not process["auto"]):
        yield Finding(
            "wrong",
            CHECK,
            "there is no tracer provider",
            "no span is recorded",
            "call setup(), or start the command with opentelemetry-instrument"
            if not process["auto"]
            else "see what is said of the start and of the file",
        )


def _exporter_for(facts: Facts) -> str:
    chosen = facts["variables"].get("OTEL_TRACES_EXPORTER")
    if facts["config_file"] is not None:
        return "name one below tracer_provider: processors: in the file of OTEL_CONFIG_FILE"
    if chosen not in (None, "none") and facts["process"]["auto"]:
        return "see what is said of the start"
    return f"OTEL_TRACES_EXPORTER=otlp; it is {chosen or 'not set'}"


def _of_processors(facts: Facts) -> Iterator[Finding]:
    found = facts["provider"]
    names = [each["type"] for each in found["processors"]]
    if found["concurrent"]:
        yield Finding(
            "wrong",
            CHECK,
            "ConcurrentMultiSpanProcessor calls processors in threads that have no context",
            "spans are not named as they start",
            "make the TracerProvider without active_span_processor",
        )
    if facts["plugin"]["on"] and not any(_is_ours(name) for name in names):
        yield Finding(
            "wrong",
            CHECK,
            "the provider in force is not the one that the plugin was added to",
            "no span gets an id",
            "LangWatchInstrumentor().instrument(tracer_provider=...) with that provider, after it is made",
        )
    if found["sampler"].removeprefix("ParentBased{root:").startswith(("AlwaysOff", "TraceIdRatioBased{0.0}")):
        to_do = "OTEL_TRACES_SAMPLER=parentbased_always_on"
        if facts["config_file"] is not None:
            to_do = "take `sampler:` out of the file of OTEL_CONFIG_FILE"
        yield Finding("wrong", CHECK, "its sampler drops every span", "nothing is exported", to_do)
    if any(each["wrapped"] and each["type"].endswith("SimpleSpanProcessor") for each in found["processors"]):
        yield Finding(
            "note",
            CHECK,
            "SimpleSpanProcessor exports a span as it ends",
            "nothing that ended before its conversation was known can be named",
            "BatchSpanProcessor",
        )


def _clients(facts: Facts) -> Iterator[Finding]:
    on = [name for name in facts["instrumentors"] if name in CLIENTS]
    if on:
        yield Finding("ok", CHECK, f"HTTP clients with instrumentation: {', '.join(on)}")
    elif facts["plugin"]["on"]:
        yield Finding(
            "note",
            CHECK,
            "no HTTP client is instrumented",
            "no id leaves the process",
            "pip install opentelemetry-instrumentation-httpx, or the one of your client, if services are called",
        )


def _is_ours(name: str) -> bool:
    return name.startswith("langwatch_otel.")


def _short(name: str) -> str:
    kind = name.rpartition(".")[2]
    protocol = "gRPC " if ".grpc." in name else "HTTP " if ".http." in name else ""
    return protocol + kind
