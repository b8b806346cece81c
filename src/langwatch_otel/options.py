"""What trace(), span() and conversation() may be given: names that editors complete, and what they mean."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from opentelemetry import trace as otel
from opentelemetry.trace import Link, SpanContext, SpanKind, Tracer, TracerProvider
from opentelemetry.util.types import Attributes

from . import config
from ._guard import say_once
from .arguments import Arguments
from .current import Span, Trace
from .fields import Arg, Fields
from .functions import name_of
from .genai import OWN_SCOPE
from .privacy import utf8
from .recording import INERT
from .spelling import spelling_of

if TYPE_CHECKING:
    from typing import TypedDict
else:

    class TypedDict:
        """Stands in for the real one, which takes longer to make than all else here: only its names are asked for."""

        def __init_subclass__(cls, total: bool) -> None: ...


Id = str | int | UUID | Arg | Callable[..., Any] | None
"""An id, where in the arguments it is, or a callable that gets the arguments by keyword."""

# What `update()` takes as well: written when the span starts.
_UPDATES = ("input", "output", "error", "model", "params", "metrics", "contexts", "timestamps")
_INERT = (*INERT, "skip_root_span")
_NOTHING: Mapping[str, Any] = {}


class ConversationOptions(TypedDict, total=False):
    """What all three take: the fields, and whether spans above get the name too."""

    thread_id: Id
    user_id: Id
    customer_id: Id
    labels: Iterable[str] | Arg | Callable[..., Any] | None
    metadata: Mapping[str, Any] | Arg | Callable[..., Any] | None
    adopt: bool


class _Recorded(ConversationOptions, total=False):
    """What those that make a span take; some are the LangWatch SDK's and do nothing here."""

    name: str | None
    type: str
    capture_input: bool | None
    capture_output: bool | None
    input: Any
    output: Any
    error: BaseException | None
    model: str | None
    params: Mapping[str, Any] | None
    metrics: Mapping[str, Any] | None
    contexts: Any
    timestamps: Mapping[str, Any] | None
    evaluations: Sequence[Any] | None
    tracer_provider: TracerProvider | None
    kind: SpanKind
    attributes: Attributes
    links: Sequence[Link] | None
    trace_id: str | UUID | None
    span_id: str | UUID | None
    expected_output: Any
    disable_sending: bool
    api_key: str | None
    max_string_length: int | None


class TraceOptions(_Recorded, total=False):
    """What `trace()` takes."""

    skip_root_span: bool


class SpanOptions(_Recorded, total=False):
    """What `span()` takes."""

    parent: otel.Span | Span | Trace | None
    span_context: SpanContext | None
    start_time: int | None
    record_exception: bool
    set_status_on_exception: bool
    trace: Trace | None
    ignore_missing_trace_warning: bool


def names_of(allowed: type[Any]) -> frozenset[str]:
    """Return what `TraceOptions` and its like name."""
    return frozenset[str]().union(*(each.__annotations__ for each in allowed.__mro__[:-1]))


def check(function: str, given: Mapping[str, Any], allowed: type[Any]) -> None:
    """Raise TypeError where `given` has a name that `function` does not take."""
    names = names_of(allowed)
    unknown = given.keys() - names
    if unknown:
        bad, good = (", ".join(sorted(found)) for found in (unknown, names))
        raise TypeError(f"{function}() does not take {bad}; it takes {good}")


class Options:
    """What a decorator was given, worked out once."""

    def __init__(self, given: Mapping[str, Any], word: str, function: Any = None) -> None:
        self.fields = Fields(given)
        self.is_named = self.fields.are_given
        known_as = given.get("type") or word if function is None else name_of(function)
        self.name = utf8(str(given.get("name") or known_as))
        self.adopt = given.get("adopt", True) is not False
        self.capture_input = given.get("capture_input")
        self.capture_output = given.get("capture_output")
        self.provider: Any = given.get("tracer_provider")
        self.kind = given.get("kind") or SpanKind.INTERNAL
        self.links = given.get("links") or None
        self.attributes = given.get("attributes") or None
        self.type = utf8(str(given.get("type") or "span"))
        self.parent = _parent(given)
        self.start_time = given.get("start_time")
        self.records_exception = given.get("record_exception", True) is not False
        self.sets_status = given.get("set_status_on_exception", True) is not False
        self.update = {key: given[key] for key in _UPDATES if given.get(key) is not None}
        for key in _INERT:
            if given.get(key):
                say_once(f"{key}= does nothing here: it needs LangWatch's own server or client")
        self.arguments = Arguments(function) if function is not None else None
        self.records_input = self.records_output = self.tells_root = False
        self.settings: config.Config | None = None

    @functools.cached_property
    def tracer(self) -> Tracer:
        """The tracer of the provider that was given."""
        made_by: Tracer = self.provider.get_tracer(OWN_SCOPE)
        return made_by

    def look_at(self, settings: config.Config) -> None:
        """Work out what is recorded: as the decorator says, else as `settings` do."""
        self.settings, setting = settings, settings.capture_content
        for which in ("input", "output"):
            told = getattr(self, f"capture_{which}")
            on = setting is not False and (setting is True if told is None else bool(told))
            setattr(self, f"records_{which}", on and which not in self.update)
        self.records_input = self.records_input and self.arguments is not None
        self.tells_root = setting is not False and spelling_of(settings.conventions).texts


def _parent(given: Mapping[str, Any]) -> otel.Span | None:
    """Return the span that the new one is to stand below; None for the current one."""
    if (context := given.get("span_context")) is not None:
        return otel.NonRecordingSpan(context)
    parent = given.get("parent")
    if isinstance(parent, Trace):
        parent = parent.root_span
    if isinstance(parent, Span):
        parent = parent.otel
    if parent is None or isinstance(parent, otel.Span):
        return parent
    say_once(f"parent= refused: it is a span, got {type(parent).__name__}")
    return None
