"""Writing our attributes on an open span, within the span's limits, never over what somebody else set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.util.types import AttributeValue

from ._guard import say_once
from .attributes import GEN_AI_PREFIX
from .counts import ATTRIBUTE_LENGTH, spans_full, spans_stamped, was_cut
from .genai import has_genai_key, kind_of_scope
from .privacy import cut
from .rendering import Attributes, Rendered

if TYPE_CHECKING:
    from typing import Protocol

    from .open_span import OpenSpan

    class HasAttributes(Protocol):
        """A span that is open, or one that is exported."""

        @property
        def attributes(self) -> Mapping[str, Any] | None: ...
        @property
        def instrumentation_scope(self) -> Any: ...

    class RecordingSpan(HasAttributes, Protocol):
        """What we use of a recording span: the SDK's public face."""

        @property
        def dropped_attributes(self) -> int: ...
        def set_attribute(self, key: str, value: AttributeValue) -> None: ...
        def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None: ...
        def is_recording(self) -> bool: ...


# Measured: set_attributes has a fixed price of about two set_attribute calls.
FEW = 2

# Instrumentation scopes are few; more than this are made from data.
MAX_SCOPES = 1000

_stamped = spans_stamped.counter


def attributes_of(span: HasAttributes) -> Attributes:
    """Return a copy of the attributes that `span` has now."""
    found = span.attributes
    # The SDK's mapping is a proxy over a guarded one: its `copy` is a tenth of the price of a walk.
    try:
        copied: Attributes = found.copy()  # type: ignore[union-attr]
    except AttributeError:
        return dict(found or {})
    return copied


class Stamper:
    """Stamps spans of one provider, and learns that provider's limits from what becomes of the attributes."""

    def __init__(self, max_attributes: int | None) -> None:
        self._limit = max_attributes
        self._room = 0  # As many attributes as this have been seen to fit.
        self._length = 0  # An id as long as this has been seen to survive.
        self.longest: int | None = None  # Longer ones have been seen to be cut.
        self.kinds: dict[int, int] = {}
        """What the spans of each instrumentation scope are, by its `id`: ask `kind_of` for one that is missing."""
        self._kept: list[object] = []  # Those scopes, so that no other object gets the `id` of one.

    def first(self, span: RecordingSpan, held: OpenSpan, rendered: Rendered) -> None:
        """Stamp a span that has nothing of ours: `_first`, written out for the ordinary span, since all pass here."""
        next(_stamped)
        try:
            present: Attributes = span.attributes.copy()  # type: ignore[union-attr]
        except AttributeError:
            present = attributes_of(span)
        if rendered.length > self._length or (rendered.root and held.root):
            return self._first(span, held, rendered, present)
        genai, wanted = held.genai, rendered.genai
        for key in present:  # Measured: few keys are told apart sooner so than by what takes them all at once.
            if key in wanted:
                return self._first(span, held, rendered, present)
            if GEN_AI_PREFIX in key and key.startswith(GEN_AI_PREFIX):
                genai = True
        if not genai:
            wanted = rendered.plain
        if len(present) + len(wanted) > self._room:
            return self._first(span, held, rendered, present)
        held.genai = genai
        if len(wanted) > FEW:
            span.set_attributes(wanted)
        else:
            put = span.set_attribute
            for key, value in wanted.items():
                put(key, value)
        return None

    def _first(self, span: RecordingSpan, held: OpenSpan, rendered: Rendered, present: Attributes) -> None:
        held.genai = held.genai or has_genai_key(present)
        wanted = rendered.for_span(held.genai, held.root)
        if rendered.weak and (same := present.keys() & wanted.keys()):
            held.theirs = frozenset(same)  # Told from ours now alone: the values may be the same.
        self.stamp(span, present, wanted, rendered)

    def kind_of(self, made_by: Any) -> int:
        """Return what the spans of that instrumentation scope are, and remember it."""
        kind = kind_of_scope("" if made_by is None else made_by.name)
        if len(self._kept) < MAX_SCOPES:
            self._kept.append(made_by)
            self.kinds[id(made_by)] = kind
        return kind

    def stamp(
        self,
        span: RecordingSpan,
        present: Attributes,
        wanted: Attributes,
        rendered: Rendered,
        ours: Attributes | None = None,
    ) -> None:
        """Write what `wanted` has and `present` lacks; replace a value only where it is still the one in `ours`."""
        if not wanted.keys().isdisjoint(present):
            wanted = {
                key: value
                for key, value in wanted.items()
                if key not in present or (ours is not None and present[key] != value and present[key] == ours.get(key))
            }
            if not wanted:
                return
        count = len(present) + len(wanted)
        if count > self._room:
            self._squeeze(span, present, wanted, rendered, count)
        elif len(wanted) <= FEW:
            for key, value in wanted.items():
                span.set_attribute(key, value)
        else:
            span.set_attributes(wanted)
        if rendered.length > self._length:
            self._survive(span, wanted, rendered)

    def _squeeze(
        self, span: RecordingSpan, present: Attributes, wanted: Attributes, rendered: Rendered, count: int
    ) -> None:
        """Write all of `wanted` where it fits, else the two ids alone: a full span drops its oldest attributes."""
        if self._limit is not None and count > self._limit:
            ids = rendered.ids
            if rendered.plain.keys() - ids.keys():
                spans_full.add()
                say_once("a span has room for little more: of its conversation it gets the thread and the user alone")
            span.set_attributes({key: ids[key] for key in wanted if key in ids})
            return
        dropped = span.dropped_attributes
        span.set_attributes(wanted)
        if span.dropped_attributes == dropped:
            self._room = count
        else:  # This provider's limit is lower than the environment says.
            self._limit = count - (span.dropped_attributes - dropped)

    def _survive(self, span: RecordingSpan, written: Attributes, rendered: Rendered) -> None:
        """Keep long ids apart where the value length limit would cut them: two of them must never become one."""
        kept = attributes_of(span)
        ids = {key: written[key] for key in rendered.spelling.ids if key in written and key in kept}
        cut_off = {key: value for key, value in ids.items() if kept[key] != value and value.startswith(kept[key])}
        if cut_off:
            self.longest = len(next(kept[key] for key in cut_off))
            left = {key: cut(value, self.longest) for key, value in cut_off.items()}
            span.set_attributes(left)
            for key, value in left.items():
                was_cut(rendered.spelling.field_of(key), ATTRIBUTE_LENGTH, value)
            say_once(
                "an id is longer than the attribute length limit of spans: it is cut, and ends in a hash of it all"
            )
        elif any(len(value) == rendered.length for value in ids.values()):
            self._length = rendered.length

    def fit(self, attributes: Attributes, rendered: Rendered, longest: int | None) -> Attributes:
        """Return `attributes` as an open span of this provider, with values as long as `longest`, would have them."""
        if longest is None and (longest := self.longest) is None:
            return attributes
        ids = rendered.spelling.ids
        return {
            key: cut(value, longest) if key in ids else _shortened(value, longest) for key, value in attributes.items()
        }


def _shortened(value: AttributeValue, longest: int) -> AttributeValue:
    """Return `value` with its texts cut as the SDK cuts them."""
    if isinstance(value, str):
        return value[:longest]
    if isinstance(value, (list, tuple)):
        return tuple(each[:longest] if isinstance(each, str) else each for each in value)
    return value
