"""What the plugin does, as counters of OpenTelemetry's metrics API: sums alone, and no id in any attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, Observation, get_meter_provider

from . import counts
from ._guard import guarded
from ._weak import ByObject
from .counts import Count
from .genai import OWN_SCOPE

SPAN_STAMPED: Final = "langwatch_otel.span.stamped"
SPAN_NAMED_AT_EXPORT: Final = "langwatch_otel.span.named_at_export"
SPAN_UNNAMED: Final = "langwatch_otel.span.unnamed"
ID_CUT: Final = "langwatch_otel.id.cut"
ID_REFUSED: Final = "langwatch_otel.id.refused"
BAGGAGE_WITHHELD: Final = "langwatch_otel.baggage.withheld"
BAGGAGE_REFUSED: Final = "langwatch_otel.baggage.refused"
CONVERSATION_SECOND_NAME: Final = "langwatch_otel.conversation.second_name"
FIELD_LEFT_OUT: Final = "langwatch_otel.field.left_out"
SPAN_FULL: Final = "langwatch_otel.span.full"

FIELD: Final = "langwatch_otel.field"
LIMIT: Final = "langwatch_otel.limit"
REASON: Final = "langwatch_otel.reason"
FORKS: Final = "langwatch_otel.forks"
"""In a process that was forked: how many forks deep. Absent in the one that was started."""

Point = tuple[Mapping[str, str], Count]


class Instrument(NamedTuple):
    """One counter, and what it counts by which attributes."""

    name: str
    unit: str
    description: str
    points: Sequence[Point]


def _by(attribute: str, counted: Mapping[str, Count]) -> Sequence[Point]:
    return [({attribute: value}, count) for value, count in counted.items()]


INSTRUMENTS: Final = (
    Instrument(
        SPAN_STAMPED,
        "{span}",
        "Spans that belonged to a conversation while they were open",
        [({}, counts.spans_stamped)],
    ),
    Instrument(
        SPAN_NAMED_AT_EXPORT,
        "{span}",
        "Spans that had ended before their thread was known, and were named as they were exported",
        [({}, counts.spans_named_at_export)],
    ),
    Instrument(
        SPAN_UNNAMED,
        "{span}",
        "Spans that our processor saw, and that were exported without a thread",
        [({}, counts.spans_unnamed)],
    ),
    Instrument(
        ID_CUT,
        "{id}",
        "Ids that were too long, and were cut to a prefix and a hash of the whole",
        [({FIELD: field, LIMIT: limit}, count) for (field, limit), count in counts.ids_cut.items()],
    ),
    Instrument(
        ID_REFUSED,
        "{id}",
        "Ids that the application gave and that are none: not a str, an int or a uuid.UUID",
        _by(FIELD, counts.ids_refused),
    ),
    Instrument(
        BAGGAGE_WITHHELD,
        "{request}",
        "Calls that went out without the ids of their conversation",
        _by(REASON, counts.baggage_withheld),
    ),
    Instrument(
        BAGGAGE_REFUSED,
        "{id}",
        "Ids that came in as baggage and were not believed",
        _by(FIELD, counts.baggage_refused),
    ),
    Instrument(
        CONVERSATION_SECOND_NAME,
        "{name}",
        "Second threads, users or customers that were named where one had been named",
        [({}, counts.second_names)],
    ),
    Instrument(
        FIELD_LEFT_OUT,
        "{occurrence}",
        "Times that labels, or a value of metadata, were too many, too large or nothing that can be written",
        _by(FIELD, counts.left_out),
    ),
    Instrument(
        SPAN_FULL,
        "{occurrence}",
        "Times that a span had no room for more of its conversation than the thread and the user",
        [({}, counts.spans_full)],
    ),
)


class _Report:
    """The instruments of one meter provider, which cannot be taken off it: they fall silent."""

    def __init__(self) -> None:
        self.on = False

    def observing(self, instrument: Instrument) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            if not self.on:
                return []
            # With the parent's provider, these are streams of their own: it never took a sum of the child's.
            forked = {FORKS: counts.forks} if counts.forks else {}
            return [Observation(count.total, {**attributes, **forked}) for attributes, count in instrument.points]

        return observe


_reports: ByObject[_Report] = ByObject()
_of_global: _Report | None = None
_reporting: _Report | None = None


def on(meter_provider: Any = None) -> None:
    """Have the counters read by `meter_provider` alone, else by the global one, now or whenever that is set.

    Without a provider this goes on where they are read already. Nothing is read until a provider does so.
    """
    global _reporting
    with guarded("registering the counters"):
        if meter_provider is None and _reporting is not None:
            return
        report = _report_of(meter_provider)
        off()
        report.on = True
        _reporting = report


def off() -> None:
    """Fall silent, until the next `on`."""
    global _reporting
    if _reporting is not None:
        _reporting.on = False
        _reporting = None


def _report_of(meter_provider: Any) -> _Report:
    """Return the report that is registered with the provider, or register one: two would count everything twice."""
    global _of_global
    the_global = get_meter_provider()
    provider = the_global if meter_provider is None else meter_provider
    if _of_global is not None and provider is the_global and provider not in _reports:
        return _of_global  # Registered before it was set: what stood for it has passed it on.
    report = _Report()
    registered = _reports.setdefault(provider, report)
    if provider is the_global:
        _of_global = registered
    if registered is report:
        meter = provider.get_meter(OWN_SCOPE, _version())
        for each in INSTRUMENTS:
            meter.create_observable_counter(each.name, [report.observing(each)], each.unit, each.description)
    return registered


def _version() -> str | None:
    try:
        return version("langwatch-otel")
    except PackageNotFoundError:  # Copied to where it runs.
        return None
