"""setup(): batteries included, in one line."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from . import config, destination, instrumentations
from ._guard import guarded, logger, say_once
from ._setter import one_at_a_time
from ._weak import ByObject
from .clients import openai
from .errors import ConfigurationError
from .foreign_provider import takes_no_processors
from .frameworks import fastapi, fastapi_export
from .instrumentor import LangWatchInstrumentor, also_undo
from .last_resort import LastResort, is_exported
from .own_provider import OwnProvider
from .span_exporter import ConversationSpanExporter

# Arguments of the LangWatch SDK's setup() that need its server: accepted, and logged once.
_INERT = ("skip_open_telemetry_setup", "prompts_path")

_sends_to: ByObject[set[destination.Destination]] = ByObject()


@one_at_a_time
def setup(
    *,
    endpoint_url: str | None = None,
    api_key: str | None = None,
    service_name: str | None = None,
    base_attributes: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    tracer_provider: TracerProvider | None = None,
    instrumentors: Sequence[Any] | None = None,
    span_exclude_rules: Sequence[Any] = (),
    debug: bool = False,
    **settings: Any,
) -> Any:
    """Trace this process with conversations on every span; returns the tracer provider in use.

    Makes a provider with an OTLP exporter where there is none, which makes way for one that is set before its first
    span; adds to the one that is there. Turns on the OpenAI, HTTP client and FastAPI instrumentations that are
    installed. Every standard `OTEL_*` variable holds.
    Calling it twice is calling it once. Raises ConfigurationError for a setting with a value that it does not take.
    """
    if span_exclude_rules:
        settings["span_exclude_rules"] = span_exclude_rules
    for name in _INERT:
        if settings.pop(name, None):
            say_once(f"setup({name}=) does nothing here: it needs LangWatch's own client")
    _check(base_attributes, headers, instrumentors)
    _check_texts(api_key=api_key, service_name=service_name)
    chosen = config.read(settings, base=config.active() if _is_set_up() else None)
    goes_to = destination.choose(endpoint_url, api_key)
    destination.check(goes_to)
    if debug:
        logger.setLevel(logging.DEBUG)
    backfill, content = chosen.backfill is not False, chosen.capture_content is not False
    provider = _provider(tracer_provider, service_name, base_attributes)
    settings.update(backfill=backfill, capture_content=content)
    LangWatchInstrumentor().instrument(tracer_provider=tracer_provider, **settings)
    _send(provider, goes_to, headers, bool(endpoint_url or api_key), backfill)
    _turn_on_others(provider, instrumentors)
    return provider


def _provider(given: Any, service_name: str | None, base_attributes: Mapping[str, Any] | None) -> Any:
    """Return the provider that was given, else the global one, else a new one."""
    provider = given if given is not None else trace.get_tracer_provider()
    if given is None and not hasattr(provider, "add_span_processor"):
        return _new_provider(service_name, base_attributes)
    if service_name or base_attributes:
        _say_that_it_keeps_its_resource()
    return provider


def _say_that_it_keeps_its_resource() -> None:
    say_once("setup(): a tracer provider that somebody else made keeps its own resource attributes")


def _check(base_attributes: object, headers: object, instrumentors: object) -> None:
    """Raise ConfigurationError before anything is changed, and not a bare TypeError in the middle."""
    if base_attributes is not None and not isinstance(base_attributes, Mapping):
        raise ConfigurationError("base_attributes", base_attributes, "a mapping of resource attributes")
    if headers is not None and not (
        isinstance(headers, Mapping) and all(isinstance(each, str) for pair in headers.items() for each in pair)
    ):
        # Not with its values: they are credentials.
        raise ConfigurationError("headers", type(headers).__name__, "a mapping of strings to strings")
    if instrumentors is not None and not (
        isinstance(instrumentors, Sequence)
        and all(callable(getattr(each, "instrument", None)) for each in instrumentors)
    ):
        raise ConfigurationError(
            "instrumentors", instrumentors, "a list of instrumentors, such as OpenAIInstrumentor()"
        )


def _check_texts(**given: object) -> None:
    for setting, value in given.items():
        if value is not None and (not isinstance(value, str) or not value.isprintable()):
            # Not the value: it may be a key.
            raise ConfigurationError(setting, type(value).__name__, "a text of one line")


def _turn_on_others(provider: Any, instrumentors: Sequence[Any] | None) -> None:
    """Turn on the instrumentations around ours; uninstrument() turns them off."""
    with guarded("turning on FastAPI's spans"):
        fastapi.warn_of_another_provider(provider)
        if instrumentors is None:
            fastapi.spans_on(provider)
    chosen = instrumentations.installed() if instrumentors is None else instrumentors
    if any(openai.is_mended(instrumentor) for instrumentor in chosen):
        with guarded("mending the ends of OpenAI's streams"):
            openai.on()
            also_undo(openai.off)
    for instrumentor in instrumentations.turn_on(chosen, provider):
        also_undo(partial(openai.turn_off, instrumentor))
        if config.active().capture_content is False:
            instrumentations.warn_of_content(instrumentor)


def ensure_setup(api_key: str | None = None) -> None:
    """Call setup(), where nobody has and there is a LangWatch API key, given or in the environment."""
    if (api_key or os.environ.get("LANGWATCH_API_KEY")) and not _is_set_up():
        setup(api_key=api_key)


def _is_set_up() -> bool:
    return bool(LangWatchInstrumentor().is_instrumented_by_opentelemetry)


def _new_provider(service_name: str | None, base_attributes: Mapping[str, Any] | None) -> TracerProvider:
    attributes = dict(base_attributes or {})
    if service_name:
        attributes["service.name"] = service_name

    def made_way(successor: Any) -> None:
        say_once("setup(): the tracer provider that was set after it makes the spans, with its sampler and resource")
        if attributes:
            _say_that_it_keeps_its_resource()
        if (goes_to := _sends_to.get(provider)) is not None:
            _sends_to[successor] = goes_to

    provider = OwnProvider(Resource.create(attributes), made_way)
    also_undo(provider.settle)
    if not takes_no_processors(trace.get_tracer_provider()):  # Another one is not taken, and ours is not in use.
        trace.set_tracer_provider(provider)
    return provider


def _send(
    provider: Any,
    goes_to: destination.Destination,
    headers: Mapping[str, str] | None,
    named: bool,
    backfill: bool,
) -> None:
    """Give `provider` an exporter where it has none, and where one was named; once for each destination."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    already = _sends_to.setdefault(provider, set())
    if disabled or goes_to in already or (is_exported(provider) and not named):
        return
    already.add(goes_to)
    if goes_to.endpoint is None:
        with guarded("keeping FastAPI from exporting twice"):
            fastapi_export.add_none(provider)
            also_undo(fastapi_export.off)
    for exporter in destination.exporters(goes_to, headers):
        if goes_to.endpoint is None and isinstance(provider, OwnProvider):
            exporter = LastResort(exporter, provider)
        provider.add_span_processor(BatchSpanProcessor(ConversationSpanExporter(exporter) if backfill else exporter))
