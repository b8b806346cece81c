"""Wraps the exporters of a provider that somebody else made, so that late names reach ended spans."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

from ._guard import guarded, say_once
from .span_exporter import ConversationSpanExporter

Undo = Callable[[], None]

# Who sets a tracer provider to be told how it is used itself: no place for an application's spans.
_TOLD_OF_THEIR_USE = ("crewai.", "crewai_core.")

# Whose processors export nothing, or by the two that are known here.
_NO_EXPORTERS = ("langwatch_otel.", "langwatch_otel_probe.", "opentelemetry.")


def wrap_exporters(provider: Any) -> Undo:
    """Wrap the exporter of each of the SDK's own exporting processors, there now or added later; return what undoes it.

    The SDK has no public way to reach them. Where the private one is gone, a warning says to wrap by hand.
    """
    undo: list[Undo] = []
    with guarded("wrapping a provider's exporters"):
        _wrap_there(provider, undo)
        undo.append(_watch(provider, undo))

    def unwrap() -> None:
        while undo:
            with guarded("unwrapping a provider's exporters"):
                undo.pop()()

    return unwrap


def _wrap_there(provider: Any, undo: list[Undo]) -> None:
    with guarded("wrapping a provider's exporters"):
        processors = processors_of(provider)
        if processors is None:
            say_once("backfill: this SDK does not show its exporters; wrap yours in ConversationSpanExporter by hand")
            return
        for processor in processors:
            holder, name = _holder(processor)
            exporter = exporter_of(processor)
            if exporter is None and may_export(processor):
                named = type(processor).__name__
                say_once(f"backfill: {named} hides its exporter: what ended before its name goes out there without it")
            if exporter is not None and not isinstance(exporter, ConversationSpanExporter):
                undo.append(_wrap(holder, name, exporter))


def _watch(provider: Any, undo: list[Undo]) -> Undo:
    """Wrap what `provider` gets from now on, by a method of its own that does so after the class's."""
    add, theirs = provider.add_span_processor, vars(provider).get("add_span_processor")

    def add_span_processor(*args: Any, **kwargs: Any) -> None:
        add(*args, **kwargs)
        if not over:
            _wrap_there(provider, undo)

    over: list[bool] = []
    provider.add_span_processor = add_span_processor
    of = weakref.ref(provider)

    def stop() -> None:
        over.append(True)
        found = of()
        # Where somebody wrapped ours in turn it stays, and does nothing.
        if found is not None and vars(found).get("add_span_processor") is add_span_processor:
            if theirs is None:
                del found.add_span_processor
            else:
                found.add_span_processor = theirs

    return stop


def processors_of(provider: Any) -> Sequence[Any] | None:
    """Return the span processors of `provider`; None where they cannot be seen."""
    # Not public in the SDK. Logfire's is a wrapper: the SDK's own is its `provider`.
    for each in (provider, getattr(provider, "provider", None)):
        found: Sequence[Any] | None = getattr(getattr(each, "_active_span_processor", None), "_span_processors", None)
        if found is not None:
            return found
    return None


def may_export(processor: object) -> bool:
    """Say whether `processor` exports, for all that can be seen."""
    if (several := getattr(processor, "_span_processors", None)) is not None:  # The SDK's, of others.
        return any(map(may_export, several))
    if getattr(type(processor), "on_end", None) is SpanProcessor.on_end:
        return False  # It hears of spans that start alone, as one does that adds attributes.
    return _holder(processor)[0] is not None or not type(processor).__module__.startswith(_NO_EXPORTERS)


def exporter_of(processor: object) -> Any:
    """Return the exporter of one of the SDK's own processors; None of another's."""
    holder, name = _holder(processor)
    return None if holder is None else getattr(holder, name, None)


def tells_its_makers(provider: Any) -> bool:
    """Say whether `provider` exports to the makers of a library that it comes with."""
    exporters = [exporter_of(processor) for processor in processors_of(provider) or ()]
    return any(type(exporter).__module__.startswith(_TOLD_OF_THEIR_USE) for exporter in exporters)


def _holder(processor: object) -> tuple[object | None, str]:
    if isinstance(processor, BatchSpanProcessor):
        return getattr(processor, "_batch_processor", None), "_exporter"
    if isinstance(processor, SimpleSpanProcessor):
        return processor, "span_exporter"
    return None, ""


def _wrap(holder: object, name: str, exporter: Any) -> Undo:
    wrapped = ConversationSpanExporter(exporter)
    setattr(holder, name, wrapped)

    def undo() -> None:
        if getattr(holder, name, None) is wrapped:
            setattr(holder, name, exporter)
        wrapped.let_go()

    return undo
