"""Turns the plugin on and off."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import _internal as _logs_internal
from opentelemetry._logs import get_logger_provider
from opentelemetry.sdk._logs import LoggerProvider

from . import border, config, foreign_provider, metrics, own_provider, tracers, turn_links
from ._guard import guarded, say_once
from ._setter import SetterHook, one_at_a_time
from ._weak import ByObject
from .backfill import Undo, processors_of, tells_its_makers, wrap_exporters
from .errors import ConfigurationError
from .frameworks import laminar
from .log_processor import ConversationLogProcessor, place
from .span_exporter import any_wrapped
from .span_processor import ConversationSpanProcessor


class _State:
    """What is on in this process."""

    def __init__(self) -> None:
        self.on = False
        self.processors: ByObject[ConversationSpanProcessor] = ByObject()
        self.log_processors: ByObject[ConversationLogProcessor] = ByObject()
        self.undo: list[Undo] = []
        self.backfilled: ByObject[bool] = ByObject()
        self.followed: ByObject[bool] = ByObject()


_state = _State()


def _hooks_on() -> None:
    """Place what we have in frameworks and HTTP clients."""
    with guarded("following requests"):
        from .frameworks import bodies, requests, sources

        sources.sources_on()
        requests.scopes_on()  # Before the flush at a lifespan's end, which wraps the same method and goes first.
        bodies.bodies_end_on()
    with guarded("putting up the border for baggage"):
        from .clients import redirects

        redirects.on()
        border.on()


class LangWatchInstrumentor:
    """Put conversations on the spans of a tracer provider, yours or the global one, whenever that is set.

    Nothing of yours is replaced. It can be turned on for several providers, and off again for all.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: the plugin works with whatever is there."""
        return ()

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        """Whether the plugin is on."""
        return _state.on

    @one_at_a_time
    def instrument(
        self,
        tracer_provider: Any = None,
        logger_provider: LoggerProvider | None = None,
        meter_provider: Any = None,
        **settings: Any,
    ) -> None:
        """Add the processors to `tracer_provider`, else to the global one, now or once there is one.

        The same for log records and `logger_provider`; the counters of what it does go to `meter_provider`.
        Raises ConfigurationError for an unknown setting or a value that it does not take.
        """
        # Auto-instrumentation says so with this argument; there a mistake must not stop the application.
        lenient = bool(settings.pop("skip_dep_check", False))
        settings.pop("raise_exception_on_conflict", None)
        # A second call adds to what is set: it must not take back what the first one said.
        chosen = config.read(settings, lenient=lenient, base=config.active() if _state.on else None)
        _check("tracer_provider", tracer_provider, "add_span_processor", "TracerProvider")
        _check("logger_provider", logger_provider, "add_log_record_processor", "LoggerProvider")
        _check("meter_provider", meter_provider, "get_meter", "MeterProvider")
        config.activate(chosen)
        _state.on = True
        metrics.on(meter_provider)
        _follow_rules(chosen)
        _hooks_on()
        if tracer_provider is None:
            if not _later.on():
                say_once("this opentelemetry-api does not tell of a provider that is set later: instrument() after it")
            _add_to_global()
            laminar.follow(one_at_a_time(_add_to))
        else:
            _add_to(tracer_provider)
            if tracer_provider is not trace.get_tracer_provider():
                tracers.choose(tracer_provider)
        if logger_provider is not None:
            _add_to_logs(logger_provider)
        else:
            _logs_later.on()
            _add_to_global_logs()

    @one_at_a_time
    def uninstrument(self, **_: Any) -> None:
        """Make everything of ours inert: processors, hooks, wrapped exporters; settings go back to the environment."""
        from .clients import redirects
        from .frameworks import bodies, celery, fastapi, lifespan, processes, requests, sources

        _state.on = False
        for processor in _state.processors.values():
            processor.switch(False)
        for log_processor in _state.log_processors.values():
            log_processor.switch(False)
        while _state.undo:
            with guarded("turning off"):
                _state.undo.pop()()
        _state.backfilled.clear()
        _state.followed.clear()
        with guarded("turning off"):
            border.off()
            redirects.off()
        with guarded("turning off"):
            fastapi.spans_off()
            lifespan.flush_off()
            celery.flush_off()
            laminar.follow_off()
            processes.flush_off()
            requests.scopes_off()
            sources.sources_off()
            bodies.bodies_end_off()
        _later.off()
        _logs_later.off()
        metrics.off()
        tracers.choose(None)
        turn_links.forget()
        config.activate(None)


def _check(setting: str, provider: object, adds: str, takes: str) -> None:
    if isinstance(provider, type) or (provider is not None and not hasattr(provider, adds)):
        got = provider if isinstance(provider, type) else type(provider).__name__
        raise ConfigurationError(setting, got, f"a {takes} of opentelemetry-sdk")


def _follow_rules(chosen: config.Config) -> None:
    """Have the processors that are there leave out spans by the rules of now."""
    for processor in _state.processors.values():
        processor.exclude(chosen.span_exclude_rules)
    if chosen.span_exclude_rules and not chosen.backfill and not any_wrapped():
        say_once("span_exclude_rules hold where an exporter is wrapped: backfill=true, or ConversationSpanExporter")


def _add_to(provider: Any) -> None:
    """Add our processor to `provider`, once, and wake it where it was turned off."""
    processor = _state.processors.get(provider)
    if processor is None:
        processor = _added_by_hand(provider)
        if processor is None:
            processor = ConversationSpanProcessor()
            provider.add_span_processor(processor)
        _state.processors[provider] = processor
        processor.exclude(config.active().span_exclude_rules)
    processor.switch(True)
    chosen = config.active()
    if chosen.backfill and provider not in _state.backfilled:
        _state.backfilled[provider] = True
        _state.undo.append(wrap_exporters(provider))
    if chosen.flush_on_shutdown and hasattr(provider, "force_flush"):
        from .frameworks import celery, lifespan, processes

        with guarded("hooking the end of the application"):
            lifespan.flush_at_lifespan_end(provider.force_flush)
            celery.flush_at_worker_end(provider.force_flush)
            processes.flush_at_child_end(provider.force_flush)


def _added_by_hand(provider: Any) -> ConversationSpanProcessor | None:
    # Where they cannot be seen, two of ours do the same thing twice.
    return next((each for each in processors_of(provider) or () if isinstance(each, ConversationSpanProcessor)), None)


def _add_to_logs(provider: Any) -> None:
    processor = _state.log_processors.get(provider)
    if processor is None:
        processor = _state.log_processors[provider] = ConversationLogProcessor()
        place(processor, provider)
    processor.switch(True)


def providers() -> list[Any]:
    """Return the tracer providers that the plugin has been added to."""
    return _state.processors.keys()


def also_undo(undo: Undo) -> None:
    """Have `undo` called by the next uninstrument()."""
    _state.undo.append(undo)


def _make_way(provider: Any, *_: Any, **__: Any) -> bool:
    """Have `provider` make the spans in place of setup()'s, with our processor; False where it is not to."""
    there = _state.processors.get(provider) or _added_by_hand(provider)
    ours = _state.processors.get(trace.get_tracer_provider())
    own = own_provider.make_way(provider, without=None if there is None else ours)
    if own is not None:
        _state.processors.pop(own)
        if there is None and ours is not None:
            _state.processors[provider] = ours
    return own is not None


def _add_to_set(provider: Any = None, *_: Any, **__: Any) -> None:
    """Add to `provider` too, where it was set in vain: what its owner makes with it are spans of this application."""
    _add_to_global()
    set_in_vain = provider is not trace.get_tracer_provider() and hasattr(provider, "add_span_processor")
    if set_in_vain and not tells_its_makers(provider):
        _add_to(provider)


def _add_to_global() -> None:
    provider = trace.get_tracer_provider()
    if hasattr(provider, "add_span_processor"):
        _add_to(provider)
    elif foreign_provider.takes_no_processors(provider) and provider not in _state.followed:
        say_once("the tracer provider that is set takes no span processor: ids go on spans of tracers made from now on")
        with guarded("following a tracer"):
            _state.followed[provider] = True
            _state.undo.append(foreign_provider.follow(provider))


def _add_to_global_logs(*_: Any, **__: Any) -> None:
    provider = get_logger_provider()
    if hasattr(provider, "add_log_record_processor"):
        with guarded("following log records"):
            _add_to_logs(provider)


# Every public way to set a provider ends in these functions of the API.
_later = SetterHook(trace, "_set_tracer_provider", _add_to_set, _make_way)
_logs_later = SetterHook(_logs_internal, "_set_logger_provider", _add_to_global_logs)
