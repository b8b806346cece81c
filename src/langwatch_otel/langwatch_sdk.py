"""What the LangWatch SDK 1.4 has and this package has not, and what to use instead; loaded when that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .attributes import LANGWATCH_SPAN_TYPE

_CLIENT = """
    AgentCall AgentReply FetchPolicy LangWatchApiAuthenticationError LangWatchApiConflictError LangWatchApiError
    LangWatchApiNotFoundError LangWatchApiPlanLimitError LangWatchApiServerError LangWatchApiValidationError
    Message Param WEBHOOK_DELIVERY_ID_HEADER WEBHOOK_EVENT_ID_HEADER WEBHOOK_SIGNATURE_DEFAULT_TOLERANCE_SECONDS
    WEBHOOK_SIGNATURE_HEADER WebhookSignatureExpiredError WebhookSignatureHeaderError
    WebhookSignatureMismatchError WebhookSignatureVerificationError agent agents analytics annotations cache
    connect_agent dashboards dataset evaluation evaluations evaluators experiment gateway_budgets graphs
    model_providers module_property monitors projects prompts run_plans scenarios secrets spend_events suites
    teams test_suites traces triggers verify_webhook_signature virtual_keys webhooks workflow workflows
"""

# Modules that it does not name itself, so that asking for one here says where it is.
_MODULES = """
    api_errors batch_evaluation client domain exporters generated guardrails http_client state telemetry tracer
    types utils webhook_signature
"""

_OPENAI = (
    "the OpenAI instrumentor records every client (opentelemetry-instrumentation-openai; "
    "setup() turns it on where it is installed)"
)
_LITELLM = "use openinference-instrumentation-litellm: LiteLLMInstrumentor().instrument() after setup()"
_DSPY = "use openinference-instrumentation-dspy: DSPyInstrumentor().instrument() after setup()"
_LANGCHAIN = "use opentelemetry-instrumentation-langchain: LangchainInstrumentor().instrument() after setup()"
_API_KEY = "give it to setup(api_key=...), or set LANGWATCH_API_KEY"
_ENDPOINT = "give it to setup(endpoint_url=...), or set LANGWATCH_ENDPOINT"
_SHARE = "LangWatch's own web page and REST API share a trace by its id, which is `trace_id`"
_EVALUATION = (
    "LangWatch's own client writes to the span that is current: "
    "`import langwatch as client`, then client.get_current_span().{name}(...)"
)
_EVALUATIONS = "the LangWatch SDK sends nothing of it; its own client's evaluations do"
_GIVEN = "no copy is kept of what was given: what was recorded is in `otel.attributes`"

NAMES: Final[Mapping[str, str]] = {
    **{
        name: f"it is of LangWatch's own client, which runs beside this package: `from langwatch import {name}`"
        for name in (*_CLIENT.split(), *_MODULES.split())
    },
    "api_key": _API_KEY,
    "dspy": _DSPY,
    "endpoint": _ENDPOINT,
    "get_api_key": _API_KEY,
    "get_endpoint": _ENDPOINT,
    "langchain": _LANGCHAIN,
    "litellm": _LITELLM,
    "login": _API_KEY,
    "openai": _OPENAI,
    "sampling_rate": "OTEL_TRACES_SAMPLER sets it; the tracer provider has it as `sampler`",
}
"""Names of the package, and the end of the sentence that says what to use instead."""

_BOTH: Mapping[str, str] = {
    **{name: _EVALUATION.format(name=name) for name in ("add_evaluation", "async_evaluate", "evaluate")},
    "evaluations": _EVALUATIONS,
}

TRACE: Final[Mapping[str, str]] = {
    **_BOTH,
    "api_key": _API_KEY,
    "autotrack_dspy": _DSPY,
    "autotrack_litellm_calls": _LITELLM,
    "autotrack_openai_calls": _OPENAI,
    "get_langchain_callback": _LANGCHAIN,
    "max_string_length": "input and output are recorded up to 16 KiB each",
    "share": _SHARE,
    "unshare": _SHARE,
}
"""The same for what `get_current_trace()` returns."""

SPAN: Final[Mapping[str, str]] = {
    **_BOTH,
    **dict.fromkeys(("contexts", "error", "input", "metrics", "model", "output", "params", "timestamps"), _GIVEN),
    "capture_input": "it is an argument of span() alone",
    "capture_output": "it is an argument of span() alone",
    "ignore_missing_trace_warning": "it is an argument of span() alone",
    "parent": "the OpenTelemetry span has it, as a span context: `otel.parent`",
    "set_status_on_exception": "it is an argument of span() alone",
    "span_context": "the span's own is get_span_context()",
}
"""The same for what `get_current_span()` returns."""

_FROM_OTEL = ("attributes", "kind", "links", "name", "start_time")


def missing(owner: str, name: str, instead: Mapping[str, str]) -> AttributeError:
    """Return the error for a name that `owner` lacks, with what to use in its place where there is something."""
    hint = f": {instead[name]}" if name in instead else ""
    return AttributeError(f"{owner} has no attribute {name!r}{hint}")


def trace_attribute(handle: object, name: str) -> Any:
    """Raise the AttributeError for a name that a trace's handle lacks."""
    raise missing(f"{type(handle).__name__!r} object", name, TRACE)


def span_attribute(handle: Any, name: str) -> Any:
    """Return what a span's handle reads from its OpenTelemetry span, or raise the AttributeError."""
    if name in _FROM_OTEL:
        return getattr(handle.otel, name, None)
    if name == "type":
        return (getattr(handle.otel, "attributes", None) or {}).get(LANGWATCH_SPAN_TYPE)
    raise missing(f"{type(handle).__name__!r} object", name, SPAN)
