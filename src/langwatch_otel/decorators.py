"""trace(), span() and conversation(): decorators for any kind of function, and context managers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import INVALID_SPAN
from typing_extensions import Unpack

from ._fork import free_after_fork
from ._guard import say_once, swallowed
from .current import Span, Trace
from .functions import put_back, wrap
from .loan import flow
from .options import ConversationOptions, Options, SpanOptions, TraceOptions, check
from .running import ConversationRunning, SpanRunning, TraceRunning
from .starting import Nothing, starter

F = TypeVar("F", bound=Callable[..., Any])
H = TypeVar("H")

# Re-entrant, because a generator that the garbage collector closes meanwhile may leave its block.
_lock = free_after_fork(threading.RLock())


class Decorator(Generic[H]):
    """What `trace(...)`, `span(...)` and `conversation(...)` return: re-entrant, shared between threads."""

    def __init__(self, kind: type[ConversationRunning], given: Mapping[str, Any]) -> None:
        self._kind = kind
        self._given = dict(given)
        self._entered: dict[object, list[tuple[ConversationRunning | Nothing, Any, Context]]] = {}

    def __call__(self, function: F) -> F:
        if isinstance(function, (staticmethod, classmethod)):
            method: F = type(function)(self(function.__func__))
            return method
        options = Options(self._given, self._kind.word, function)
        wrapped: F = wrap(function, starter(self._kind, options))
        return wrapped

    if not TYPE_CHECKING:  # A type checker is to send people to what `with ... as` gives.

        def __getattr__(self, name: str) -> Any:
            """Give what the block's handle has, as in the LangWatch SDK: `t = trace()`, `with t:`, `t.update(...)`."""
            if name.startswith("_"):
                raise AttributeError(name)
            return getattr(self._handle(), name)

    def _handle(self) -> Any:
        """Return the handle of the innermost block of this task or thread, else of the one whose context it got."""
        with _lock:
            mine = self._entered.get(flow())
            blocks = list(mine) if mine else [block for blocks in self._entered.values() for block in blocks]
        try:
            for running, _, _ in reversed(blocks):
                if mine or running.holds_what_runs():
                    return running.handle()
        except Exception as error:
            swallowed("making a handle", error)
            return self._handle_of_nothing()
        say_once(f"{self._kind.word}() is a handle inside its own `with` block only: outside it does nothing")
        return self._handle_of_nothing()

    def _handle_of_nothing(self) -> Any:
        return Span(INVALID_SPAN) if self._kind is SpanRunning else Trace.of_nothing()

    def __enter__(self) -> H:
        running = starter(self._kind, self._options())((), {})
        before = get_current()
        entered = (running, attach(running.context), before)
        with _lock:
            self._entered.setdefault(flow(), []).append(entered)
        try:
            handle: H = running.handle()
        except Exception as error:
            swallowed("making a handle", error)
            handle = self._handle_of_nothing()
        return handle

    def _options(self) -> Options:
        try:
            return Options(self._given, self._kind.word)
        except Exception as error:  # This runs in a block of the application, not while it sets up.
            swallowed("reading what a block was given", error)
            return Options({}, self._kind.word)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        running, token, before = self._leave()
        try:
            if error is None:
                running.finish(None)
            else:
                running.fail(error)
        finally:
            # In a generator whose steps run in several threads the context goes along, and the token does not.
            if not put_back(token) and running.is_current():
                attach(before)

    def _leave(self) -> tuple[ConversationRunning | Nothing, Any, Context]:
        """Return the innermost block that this task or thread entered, else the last one."""
        mine = flow()
        with _lock:
            if mine not in self._entered:
                mine = next(reversed(self._entered))
            blocks = self._entered[mine]
            entered = blocks.pop()
            if not blocks:
                del self._entered[mine]
        return entered

    async def __aenter__(self) -> H:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.__exit__(kind, error, trace)


@overload
def trace(function: F, /) -> F: ...
@overload
def trace(function: None = None, /, **given: Unpack[TraceOptions]) -> Decorator[Trace]: ...
def trace(function: F | None = None, /, **given: Any) -> F | Decorator[Trace]:
    """Make a span for the call, and a scope for its conversation.

    Takes what `TraceOptions` names: the fields, `name`, `type`, `capture_input`, `capture_output`,
    `adopt=False` (spans above are left alone), `tracer_provider`, and the LangWatch SDK's arguments.
    A field is a value, `arg("path.into.arguments")` or a callable that gets the arguments by keyword.
    """
    check("trace", given, TraceOptions)
    decorator: Decorator[Trace] = Decorator(TraceRunning, given)
    return decorator if function is None else decorator(function)


@overload
def span(function: F, /) -> F: ...
@overload
def span(function: None = None, /, **given: Unpack[SpanOptions]) -> Decorator[Span]: ...
def span(function: F | None = None, /, **given: Any) -> F | Decorator[Span]:
    """Make a child span for the call; takes what `SpanOptions` names.

    So `name`, `type` ("tool", "llm", "rag" ...), `capture_input`, `parent` (a span to stand below), and the
    fields: with them the span has a scope of its own.
    """
    check("span", given, SpanOptions)
    decorator: Decorator[Span] = Decorator(SpanRunning, given)
    return decorator if function is None else decorator(function)


@overload
def conversation(function: F, /) -> F: ...
@overload
def conversation(function: None = None, /, **given: Unpack[ConversationOptions]) -> Decorator[Trace]: ...
def conversation(function: F | None = None, /, **given: Any) -> F | Decorator[Trace]:
    """Open a scope for a conversation, without a span; takes the fields that `trace()` takes, and `adopt`."""
    check("conversation", given, ConversationOptions)
    decorator: Decorator[Trace] = Decorator(ConversationRunning, given)
    return decorator if function is None else decorator(function)
