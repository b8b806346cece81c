"""One way to wrap a function, a coroutine function, a generator function or an async generator function."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextvars import Token
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_type_hints

from opentelemetry.context import Context, attach, detach, get_current

Function = Callable[..., Any]


if TYPE_CHECKING:
    from typing import Protocol

    class Running(Protocol):
        """One call of a wrapped function; nothing here raises."""

        context: Context
        """OpenTelemetry's context while the function's own code runs."""

        def chunk(self, item: object) -> None:
            """Take note of what a generator yields."""

        def follow(self, result: object) -> bool:
            """The call returned a response whose body is still to be sent: say so, and go on until it is."""

        def finish(self, result: object) -> None:
            """The call returned, or its generator was closed before the end."""

        def fail(self, error: BaseException) -> None:
            """The call raised."""

        def is_current(self) -> bool:
            """Say whether what runs now runs in this call, or block."""

    Start = Callable[[tuple[Any, ...], Mapping[str, Any]], Running]


def wrap(function: Any, start: Start) -> Any:
    """Return `function` with `start` called before each call and the `Running` told how it went.

    The wrapper is of the same kind as `function` and keeps its name, documentation and signature.
    """
    if not callable(function):
        raise TypeError(f"expected a function to decorate, got {type(function).__name__}")
    inner = _code_of(function)
    if inspect.isasyncgenfunction(inner):
        wrapper = _async_generator(function, start)
    elif inspect.isgeneratorfunction(inner):
        wrapper = _generator(function, start)
    elif inspect.iscoroutinefunction(inner):
        wrapper = _coroutine(function, start)
    else:
        wrapper = _plain(function, start)
    functools.update_wrapper(wrapper, function)
    if not hasattr(function, "__name__"):
        wrapper.__qualname__ = name_of(function)
        wrapper.__name__ = wrapper.__qualname__.rpartition(".")[-1]
    _resolve_signature(wrapper, function)
    return wrapper


def put_back(token: Token[Any]) -> bool:
    """Undo an `attach`; False, in silence, in another thread or task than that of the `attach`.

    So it is when the garbage collector closes a coroutine, or a block is left in another thread.
    """
    try:
        token.var.reset(token)
    except ValueError:
        return False
    except AttributeError:  # From a context of the operator's own, chosen with OTEL_PYTHON_CONTEXT.
        detach(token)
    return True


def _code_of(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def name_of(function: Any) -> str:
    """Return the qualified name of a function; of another callable its type's."""
    while isinstance(function, functools.partial):
        function = function.func
    name: str = getattr(function, "__qualname__", None) or type(function).__name__
    return name.rsplit("<locals>.", 1)[-1]


def signature_of(function: Any) -> inspect.Signature | None:
    """Return the signature, with annotations resolved where they can be; None where there is none."""
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # Annotations are the user's code: a name that exists for type checkers only, say.
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            return None
    names = getattr(_code_of(inspect.unwrap(function)), "__globals__", {})
    parameters = [each.replace(annotation=_resolved(each.annotation, names)) for each in signature.parameters.values()]
    return signature.replace(parameters=parameters)


def _resolved(annotation: Any, names: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        holder = SimpleNamespace(__annotations__={"it": annotation})
        return get_type_hints(holder, names, include_extras=True)["it"]
    except Exception:
        return annotation


def _resolve_signature(wrapper: Any, function: Any) -> None:
    # FastAPI before 0.12x resolves the annotations of `from __future__ import annotations` in the globals of
    # the wrapper, which are this module's: body parameters would answer 422.
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    if any(isinstance(parameter.annotation, str) for parameter in parameters):
        wrapper.__signature__ = signature_of(function)


def _has_body(result: object) -> bool:
    try:
        return "body_iterator" in getattr(result, "__dict__", ())  # Not `hasattr`, which runs code of the result's own.
    except Exception:
        return False


def _plain(function: Any, start: Start) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        running = start(args, kwargs)
        token = attach(running.context)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            running.fail(error)
            raise
        else:
            if not _has_body(result) or not running.follow(result):
                running.finish(result)
            return result
        finally:
            put_back(token)

    return wrapper


def _coroutine(function: Any, start: Start) -> Function:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        running = start(args, kwargs)
        token = attach(running.context)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            running.fail(error)
            raise
        else:
            if not _has_body(result) or not running.follow(result):
                running.finish(result)
            return result
        finally:
            put_back(token)

    return wrapper


def _generator(function: Any, start: Start) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        running = start(args, kwargs)
        context, step, value = running.context, generator.send, None
        while True:
            # Only OpenTelemetry's context is the generator's own, and only while it runs: the consumer and
            # other generators never see it, and every other context variable is as the code left it.
            token = attach(context)
            try:
                item = step(value)
            except StopIteration as stop:
                running.finish(stop.value)
                return stop.value
            except GeneratorExit:
                running.finish(None)
                raise
            except BaseException as error:
                running.fail(error)
                raise
            finally:
                value = None  # An error that was thrown in holds this frame, which must not hold the error.
                context = get_current()
                put_back(token)
            running.chunk(item)
            try:
                value = yield item
                step = generator.send
            except BaseException as error:
                step, value = generator.throw, error

    return wrapper


def _async_generator(function: Any, start: Start) -> Function:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        running = start(args, kwargs)
        context, step, value = running.context, functools.partial(_begin, generator), None
        while True:
            token = attach(context)
            try:
                item = await step(value)
            except StopAsyncIteration:
                running.finish(None)
                return
            except GeneratorExit:
                running.finish(None)
                raise
            except BaseException as error:
                running.fail(error)
                raise
            finally:
                value = None
                context = get_current()
                put_back(token)
            running.chunk(item)
            try:
                value = yield item
                step = generator.asend
            except BaseException as error:
                step, value = generator.athrow, error

    return wrapper


def _begin(generator: AsyncGenerator[Any, Any], value: None) -> Any:
    """Begin the first step, unknown to the event loop, which would close `generator` beside its wrapper."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return generator.asend(value)
    finally:
        sys.set_asyncgen_hooks(*hooks)
