"""One way to wrap a function, a coroutine function, a generator function or an async generator function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any, Protocol

from opentelemetry.context import Context, attach, detach, get_current

Function = Callable[..., Any]


class Running(Protocol):
    """One call of a wrapped function; nothing here raises."""

    context: Context
    """OpenTelemetry's context while the function's own code runs."""

    def chunk(self, item: object) -> None:
        """Take note of what a generator yields."""

    def finish(self, result: object) -> None:
        """The call returned."""

    def fail(self, error: BaseException) -> None:
        """The call raised."""

    def leave(self) -> None:
        """The generator was closed before its end."""


Start = Callable[[tuple[Any, ...], Mapping[str, Any]], Running]


def wrap(function: Any, start: Start) -> Any:
    """Return `function` with `start` called before each call and the `Running` told how it went.

    The wrapper is of the same kind as `function` and keeps its name, documentation and signature.
    """
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(wrap(function.__func__, start))
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
    _resolve_signature(wrapper, function)
    return wrapper


def _code_of(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) else getattr(type(function), "__call__", function)  # noqa: B004


def signature_of(function: Any) -> inspect.Signature | None:
    """Return the signature, with annotations resolved where they can be; None where there is none."""
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # Annotations are the user's code: a name that exists for type checkers only, say.
        try:
            return inspect.signature(function)
        except (TypeError, ValueError):
            return None


def _resolve_signature(wrapper: Function, function: Any) -> None:
    # FastAPI before 0.12x resolves the annotations of `from __future__ import annotations` in the globals of
    # the wrapper, which are this module's: body parameters would answer 422.
    annotations = getattr(function, "__annotations__", {})
    if any(isinstance(annotation, str) for annotation in annotations.values()):
        resolved = signature_of(function)
        if resolved is not None:
            setattr(wrapper, "__signature__", resolved)  # noqa: B010


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
            running.finish(result)
            return result
        finally:
            detach(token)

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
            running.finish(result)
            return result
        finally:
            detach(token)

    return wrapper


def _generator(function: Any, start: Start) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        running = start(args, kwargs)
        generator = function(*args, **kwargs)
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
            except BaseException as error:
                running.fail(error)
                raise
            finally:
                context = get_current()
                detach(token)
            running.chunk(item)
            try:
                value = yield item
                step = generator.send
            except GeneratorExit:
                _close(generator, context, running)
                raise
            except BaseException as error:
                step, value = generator.throw, error

    return wrapper


def _close(generator: Generator[Any, Any, Any], context: Context, running: Running) -> None:
    token = attach(context)
    try:
        generator.close()
    except BaseException as error:
        running.fail(error)
        raise
    else:
        running.leave()
    finally:
        detach(token)


def _async_generator(function: Any, start: Start) -> Function:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        running = start(args, kwargs)
        generator = function(*args, **kwargs)
        context, step, value = running.context, generator.asend, None
        while True:
            token = attach(context)
            try:
                item = await step(value)
            except StopAsyncIteration:
                running.finish(None)
                return
            except BaseException as error:
                running.fail(error)
                raise
            finally:
                context = get_current()
                detach(token)
            running.chunk(item)
            try:
                value = yield item
                step = generator.asend
            except GeneratorExit:
                await _aclose(generator, context, running)
                raise
            except BaseException as error:
                step, value = generator.athrow, error

    return wrapper


async def _aclose(generator: AsyncGenerator[Any, Any], context: Context, running: Running) -> None:
    token = attach(context)
    try:
        await generator.aclose()
    except BaseException as error:
        running.fail(error)
        raise
    else:
        running.leave()
    finally:
        detach(token)
