"""Beginning a call: what stands in where ours fails, because the application's goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN

from ._guard import swallowed
from .current import Span, Trace
from .options import Options
from .running import ConversationRunning, SpanRunning


class Nothing:
    """Stands in where our start failed: the application's call goes on as it would without us."""

    def __init__(self, kind: type[ConversationRunning]) -> None:
        self.context = get_current()
        self._kind = kind

    def is_current(self) -> bool:
        return False

    holds_what_runs = is_current

    def handle(self) -> Any:
        return Span(INVALID_SPAN) if self._kind is SpanRunning else Trace(None, INVALID_SPAN)

    def chunk(self, item: object) -> None: ...
    def follow(self, result: object) -> bool:
        return False

    def finish(self, result: object) -> None: ...
    def fail(self, error: BaseException) -> None: ...


def starter(
    kind: type[ConversationRunning], options: Options
) -> Callable[[tuple[Any, ...], Mapping[str, Any]], ConversationRunning | Nothing]:
    """Return what begins a call, and never raises."""

    # Not a partial of `started`: the interpreter takes longer to get through one.
    def start(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ConversationRunning | Nothing:
        try:
            return kind(options, args, kwargs)
        except Exception as error:
            swallowed("starting a call", error)
            return Nothing(kind)

    return start
