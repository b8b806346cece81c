"""trace(), span() and conversation(): decorators for any kind of function, and context managers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, overload

from opentelemetry.context import attach, detach

from .current import Span, Trace
from .fields import Fields
from .functions import Running, wrap
from .running import ConversationRunning, Options, SpanRunning, TraceRunning, started
from .scope import flow

F = TypeVar("F", bound=Callable[..., Any])
H = TypeVar("H")


class Decorator(Generic[H]):
    """What `trace(...)`, `span(...)` and `conversation(...)` return: re-entrant, shared between threads."""

    def __init__(self, kind: type[ConversationRunning], given: Mapping[str, Any]) -> None:
        self._kind = kind
        self._given = dict(given)
        self._entered: list[tuple[int, Running, Any]] = []

    def __call__(self, function: F) -> F:
        options = Options(self._given, function)
        kind = self._kind

        def start(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Running:
            return started(kind, options, args, kwargs)

        wrapped: F = wrap(function, start)
        return wrapped

    def __enter__(self) -> H:
        running = started(self._kind, Options(self._given), (), {})
        self._entered.append((flow(), running, attach(running.context)))
        handle: H = running.handle()
        return handle

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        running, token = self._leave()
        try:
            if error is None:
                running.finish(None)
            else:
                running.fail(error)
        finally:
            detach(token)

    def _leave(self) -> tuple[Running, Any]:
        """Return the innermost block that this task or thread entered, else the last one."""
        mine = flow()
        for index in range(len(self._entered) - 1, -1, -1):
            if self._entered[index][0] == mine:
                break
        else:
            index = -1
        _, running, token = self._entered.pop(index)
        return running, token

    async def __aenter__(self) -> H:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        self.__exit__(kind, error, trace)


@overload
def trace(function: F, /) -> F: ...
@overload
def trace(function: None = None, /, **given: Any) -> Decorator[Trace]: ...
def trace(function: F | None = None, /, **given: Any) -> F | Decorator[Trace]:
    """Make a span for the call, and a scope for its conversation.

    Takes `name`, `type`, `thread_id`, `user_id`, `customer_id`, `labels`, `metadata`, `capture_input`,
    `capture_output`, `input`, `output`, `adopt=False` (spans above are left alone), `tracer_provider`, and the
    LangWatch SDK's other arguments. A field is a value, `arg("path.into.arguments")` or a callable that gets
    the arguments by keyword.
    """
    decorator: Decorator[Trace] = Decorator(TraceRunning, given)
    return decorator if function is None else decorator(function)


@overload
def span(function: F, /) -> F: ...
@overload
def span(function: None = None, /, **given: Any) -> Decorator[Span]: ...
def span(function: F | None = None, /, **given: Any) -> F | Decorator[Span]:
    """Make a child span for the call; takes `name`, `type` ("tool", "llm", "rag" ...), `capture_input` and so on."""
    decorator: Decorator[Span] = Decorator(SpanRunning, given)
    return decorator if function is None else decorator(function)


@overload
def conversation(function: F, /) -> F: ...
@overload
def conversation(function: None = None, /, **given: Any) -> Decorator[Trace]: ...
def conversation(function: F | None = None, /, **given: Any) -> F | Decorator[Trace]:
    """Open a scope for a conversation, without a span; takes the fields that `trace()` takes, and `adopt`."""
    decorator: Decorator[Trace] = Decorator(ConversationRunning, given)
    return decorator if function is None else decorator(function)


__all__ = ["Fields", "conversation", "span", "trace"]
