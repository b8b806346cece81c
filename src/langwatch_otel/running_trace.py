"""One call, or one block, of trace()."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.context import get_current

from .current import Trace
from .finding import within
from .identity import EMPTY
from .naming import open_scope
from .open_span import HANGS_AS, RootSpan, open_span_of
from .options import Options
from .running import SpanRunning, bound
from .turn_texts import root_above, tell


class TraceRunning(SpanRunning):
    """A span with a scope of its own."""

    word = "trace"
    _root: RootSpan | None = None
    """What is to say the texts of the turn too, where a convention asks for it."""

    def __init__(self, options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.options = options
        context, fields = get_current(), options.fields
        arguments = bound(options, args, kwargs) if fields.needs_arguments else None
        named = fields.resolve(arguments or {}) if options.is_named else EMPTY
        scope = self._scope = open_scope(named, adopt=options.adopt, context=context)
        self._open(within(scope, context), args, kwargs, arguments)
        held = scope.span = getattr(self.span, HANGS_AS, None)
        if options.tells_root and held is not None:
            self._root = root_above(held)

    def handle(self) -> Any:
        return Trace(self._scope, self.span, open_span_of(self.span))

    def _end(self) -> None:
        if self._root is not None:
            tell(self._root, self.span)
        super()._end()
