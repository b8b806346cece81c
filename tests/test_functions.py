"""Decorated functions of every kind: what stays as it was, and who is named."""

import asyncio
import functools
import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace as otel

import langwatch_otel as langwatch
from langwatch_otel.tracers import choose

DECORATORS = (langwatch.trace, langwatch.span, langwatch.conversation)
every_decorator = pytest.mark.parametrize("decorate", DECORATORS, ids=lambda decorate: decorate.__name__)
KINDS = (
    inspect.isfunction,
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)


@pytest.fixture
def traced(traced):
    choose(traced.provider)
    yield traced
    choose(None)


def plain(a: int, /, b: str = "b", *rest: int, c: float = 1.0, **more: object) -> list[object]:
    """Return what it got."""
    return [a, b, rest, c, more]


async def coroutine(a: int, /, b: str = "b", *rest: int, c: float = 1.0, **more: object) -> list[object]:
    """Return what it got, later."""
    await asyncio.sleep(0)
    return [a, b, rest, c, more]


def generator(a: int, /, b: str = "b", *rest: int, c: float = 1.0, **more: object):
    """Yield what it got."""
    yield from (a, b, rest, c, more)


async def async_generator(a: int, /, b: str = "b", *rest: int, c: float = 1.0, **more: object):
    """Yield what it got, later."""
    for item in (a, b, rest, c, more):
        await asyncio.sleep(0)
        yield item


FUNCTIONS = (plain, coroutine, generator, async_generator)
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def called(function, *args, **kwargs):
    """What a function of any kind gives, as a value."""
    found = function(*args, **kwargs)
    if inspect.isawaitable(found):
        return asyncio.run(_awaited(found))
    if inspect.isasyncgen(found):
        return asyncio.run(_listed(found))
    return list(found) if inspect.isgenerator(found) else found


async def _awaited(found):
    return await found


async def _listed(found):
    return [item async for item in found]


def looks(function):
    """What tools read of a function."""
    return (
        [kind(function) for kind in KINDS],
        inspect.signature(function),
        {name: getattr(function, name) for name in ("__name__", "__qualname__", "__doc__", "__module__")},
        function.__annotations__,
    )


@every_decorator
@every_function
@pytest.mark.parametrize("parentheses", [True, False])
def test_a_decorated_function_looks_and_answers_as_before(traced, decorate, function, parentheses):
    """Name, documentation, signature, kind and result are the function's, with and without parentheses."""
    decorated = decorate()(function) if parentheses else decorate(function)
    assert (looks(decorated), decorated.__wrapped__) == (looks(function), function)
    assert called(decorated, 1, "x", 2, c=3.0, d=4) == [1, "x", (2,), 3.0, {"d": 4}]
    assert list(traced.spans()) == ([] if decorate is langwatch.conversation else [function.__name__])


class Shop:
    """Methods of all kinds, with both orders of decorators."""

    def __init__(self, thread):
        self.thread = thread

    @langwatch.trace(thread_id=langwatch.arg("self.thread"), capture_input=True)
    def method(self, item):
        return self.thread + item

    @staticmethod
    @langwatch.trace(thread_id=langwatch.arg("item"), capture_input=True)
    def static_inside(item):
        return item

    @langwatch.trace(thread_id=langwatch.arg("item"), capture_input=True)
    @staticmethod
    def static_outside(item):
        return item

    @classmethod
    @langwatch.trace(thread_id=langwatch.arg("item"), capture_input=True)
    def class_inside(cls, item):
        return cls.__name__ + item

    @langwatch.trace(thread_id=langwatch.arg("item"), capture_input=True)
    @classmethod
    def class_outside(cls, item):
        return cls.__name__ + item


class Stall:
    """Can be called, and has methods that nobody decorated."""

    def __call__(self, item):
        return "t" + item

    def method(self, item):
        return "t" + item

    async def later(self, item):
        return "t" + item


class Later(Stall):
    async def __call__(self, item):
        return "t" + item


@pytest.mark.parametrize(
    ("name", "answer", "thread"),
    [
        ("method", "tx", "t"),
        ("static_inside", "x", "x"),
        ("static_outside", "x", "x"),
        ("class_inside", "Shopx", "x"),
        ("class_outside", "Shopx", "x"),
    ],
)
def test_methods_of_every_kind_are_traced(traced, name, answer, thread):
    """A method is bound as before, its arguments are found by name, and `self` and `cls` are not recorded."""
    assert getattr(Shop("t"), name)("x") == answer
    (attributes,) = traced.spans().values()
    assert (attributes["session.id"], attributes["input.value"]) == (thread, '{"item": "x"}')


@pytest.mark.parametrize(
    ("function", "name", "is_coroutine"),
    [
        (Stall(), "Stall", False),
        (Later(), "Later", True),
        (Stall().method, "Stall.method", False),
        (functools.partial(Stall().later), "Stall.later", True),
        (functools.partial(functools.partial(Later()), item="x"), "Later", True),
    ],
    ids=["object", "asynchronous object", "bound method", "partial method", "partial object"],
)
def test_callables_that_are_not_functions_are_traced(traced, function, name, is_coroutine):
    """Objects with `__call__`, bound methods and partials keep their kind; the span's name says what ran."""
    decorated = langwatch.span(name="outer")(langwatch.span(function))
    assert inspect.iscoroutinefunction(decorated) is is_coroutine
    assert called(decorated, item="x") == "tx"
    assert set(traced.spans()) == {"outer", name}
    assert decorated.__name__ == name.rpartition(".")[-1]


def test_what_is_no_function_is_refused():
    """Decorating something that cannot be called is an error that says what it was."""
    with pytest.raises(TypeError, match="expected a function to decorate, got str"):
        langwatch.trace("name")


def test_a_recursive_function_makes_a_span_for_each_call(traced):
    """Each call of a recursive function is a child of the one that made it, in its conversation."""

    @langwatch.trace(thread_id="t")
    def down(depth):
        langwatch.get_current_span().update(name=f"at {depth}")
        return depth if depth == 0 else down(depth - 1)

    assert down(3) == 0
    traced.provider.force_flush()
    spans = {span.context.span_id: span for span in traced.exporter.get_finished_spans()}
    parents = {span.name: span.parent and spans[span.parent.span_id].name for span in spans.values()}
    assert parents == {"at 3": None, "at 2": "at 3", "at 1": "at 2", "at 0": "at 1"}
    assert set(traced.threads().values()) == {"t"}


@pytest.mark.parametrize("function", [plain, coroutine], ids=["plain", "coroutine"])
def test_a_function_decorated_twice_is_called_once(traced, function):
    """Two decorators make two spans around one call, the outer one first."""
    inner = langwatch.span(name="inner")(function)
    assert called(langwatch.trace(name="outer", thread_id="t")(inner), 1) == [1, "b", (), 1.0, {}]
    assert traced.threads() == {"outer": "t", "inner": "t"}


def test_one_function_runs_in_many_threads_at_once(traced):
    """Calls at the same time never see each other's conversation."""

    @langwatch.trace(name="each", thread_id=langwatch.arg("thread"))
    def work(thread):
        with traced.span(f"in {thread}"):
            return langwatch.get_conversation().thread_id

    threads = [f"t{number}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, threads)) == threads
    traced.provider.force_flush()
    spans = traced.exporter.get_finished_spans()
    inside = [(span.name, span.attributes["session.id"]) for span in spans if span.name != "each"]
    assert sorted(inside) == sorted((f"in {thread}", thread) for thread in threads)
    assert langwatch.get_conversation() == langwatch.Conversation()


@every_function
def test_a_call_leaves_the_context_as_it_was(traced, function):
    """After a call, whatever it named inside, the current span and the conversation are the caller's."""
    with traced.trace(name="caller", thread_id="caller"):
        before = otel.get_current_span()
        called(langwatch.trace(name="callee", thread_id="callee")(function), 1)
        assert (otel.get_current_span(), langwatch.get_conversation().thread_id) == (before, "caller")
    assert traced.threads() == {"caller": "caller", "callee": "callee"}
