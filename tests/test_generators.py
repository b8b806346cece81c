"""Decorated generators: each step in their own OpenTelemetry context, everything else as in plain code."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context

import pytest
from fastapi import Depends, FastAPI
from opentelemetry import trace as otel
from opentelemetry.context import get_current
from starlette.testclient import TestClient

import langwatch_otel as langwatch
from langwatch_otel.tracers import choose

DECORATORS = (langwatch.trace, langwatch.span, langwatch.conversation)
every_decorator = pytest.mark.parametrize("decorate", DECORATORS, ids=lambda decorate: decorate.__name__)
variable: ContextVar[str] = ContextVar("variable", default="untouched")


@pytest.fixture
def traced(traced):
    choose(traced.provider)
    yield traced
    choose(None)


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Nothing is logged that plain code would not log, "Failed to detach context" above all."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


def thread():
    return langwatch.get_conversation().thread_id


def protocol(cleaned):
    """A generator that takes part in everything that generators can."""
    got = []
    try:
        while True:
            try:
                got.append((yield len(got)))
            except KeyError as error:
                got.append(error)
            except GeneratorExit:
                if "refuse" in got:
                    yield "refused"
                    raise
                if "return" in got:
                    return "returned"
                raise
            if "end" in got:
                return got
    finally:
        cleaned.append(list(got))


def played(make, script):
    """What a consumer sees of a generator, step by step."""
    cleaned, seen = [], []
    generator = make(cleaned)
    for step in script:
        try:
            seen.append(getattr(generator, step[0])(*step[1:]))
        except BaseException as error:
            seen.append((type(error), getattr(error, "value", str(error)), type(error.__cause__)))
    with contextlib.suppress(RuntimeError):
        generator.close()
    return seen, cleaned


ERROR = KeyError("k")
SCRIPTS = {
    "exhausted": [("send", None), ("send", 1), ("send", "end"), ("send", None)],
    "sent too early": [("send", 1), ("send", None)],
    "closed": [("send", None), ("close",), ("send", None)],
    "closed before it began": [("close",), ("send", None)],
    "error taken": [("send", None), ("throw", ERROR), ("send", "end")],
    "error raised": [("send", None), ("throw", ValueError("v")), ("send", None)],
    "error before it began": [("throw", ValueError("v")), ("send", None)],
    "StopIteration thrown": [("send", None), ("throw", StopIteration("s"))],
    "GeneratorExit thrown": [("send", None), ("throw", GeneratorExit())],
    "returns when closed": [("send", None), ("send", "return"), ("close",)],
    "returns when thrown at": [("send", None), ("send", "return"), ("throw", GeneratorExit())],
    "refuses to close": [("send", None), ("send", "refuse"), ("close",)],
    "yields to GeneratorExit": [("send", None), ("send", "refuse"), ("throw", GeneratorExit())],
}


@every_decorator
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_consumer_sees_what_it_saw_without_us(traced, decorate, script):
    """send, throw, close, return values and errors go through as in plain code, and the span ends."""
    decorated = decorate(protocol)
    assert played(decorated, SCRIPTS[script]) == played(protocol, SCRIPTS[script])
    began = "before it began" not in script
    assert len(traced.spans()) == (began and decorate is not langwatch.conversation)


@every_decorator
def test_each_step_runs_in_the_generators_own_context(traced, decorate):
    """Inside there is the generator's conversation; between the steps the consumer's, to the object."""
    given = {} if decorate is langwatch.span else {"thread_id": "g"}

    @decorate(**given)
    def generator():
        with traced.span("over yields"):
            mine = otel.get_current_span()
            for number in range(3):
                with traced.span(f"step {number}") as step:
                    yield thread()
                    assert otel.get_current_span() is step
                assert otel.get_current_span() is mine

    with traced.trace(name="consumer", thread_id="c"):
        outside = get_current()
        for inside in generator():
            assert (inside, thread()) == (given.get("thread_id", "c"), "c")
            assert get_current() is outside
    inner = given.get("thread_id", "c")
    assert {name for name, found in traced.threads().items() if found != inner} <= {"consumer"}


def test_generators_that_take_turns_never_see_each_other(traced):
    """Two generators, each named late in its body, keep their names whoever runs in between."""

    @langwatch.trace(name="outer")
    def generator(name):
        yield thread()
        langwatch.set_conversation(thread_id=name)
        for number in range(3):
            with traced.span(f"{name} {number}"):
                yield thread()

    assert [*zip(generator("a"), generator("b"), strict=True)] == [(None, None)] + [("a", "b")] * 3
    traced.provider.force_flush()
    spans = traced.exporter.get_finished_spans()
    assert {(s.name[0], s.attributes["session.id"]) for s in spans} == {
        ("a", "a"),
        ("b", "b"),
        ("o", "a"),
        ("o", "b"),
    }
    parents = {span.context.span_id: span.attributes["session.id"] for span in spans if span.parent is None}
    assert all(parents[s.parent.span_id] == s.attributes["session.id"] for s in spans if s.parent)


@every_decorator
def test_other_context_variables_are_as_the_code_left_them(traced, decorate):
    """What a body sets in a ContextVar its consumer sees, and the other way round, as without us."""

    @contextlib.contextmanager
    @decorate
    def manager():
        token = variable.set("body")
        yield variable.get()
        assert variable.get() == "consumer"
        variable.reset(token)

    with manager() as inside:
        assert (inside, variable.get()) == ("body", "body")
        variable.set("consumer")
    assert variable.get() == "untouched"


@pytest.mark.parametrize("error", [KeyError("k"), StopIteration("s"), GeneratorExit()], ids=repr)
@every_decorator
def test_contextmanager_over_a_decorated_generator(traced, decorate, error):
    """An error in the block reaches the body, and the caller gets the same object."""
    seen = []

    @contextlib.contextmanager
    @decorate
    def manager():
        try:
            yield
        except BaseException as caught:
            seen.append(caught)
            raise

    with pytest.raises(type(error)) as caught, manager():
        raise error
    assert (caught.value is error, seen) == (True, [error])


def test_steps_may_run_in_any_thread_and_any_context(traced):
    """A worker thread and a copied context for each step, as Starlette does it, change nothing inside."""

    @langwatch.trace(name="generator", thread_id="g")
    def generator():
        for number in range(2):
            with langwatch.conversation(thread_id="inner"), langwatch.span(name=f"step {number}"):
                yield thread()
            with langwatch.span(name=f"after {number}"):
                found = thread()
            yield found

    running = generator()
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(copy_context().run, next, running, None).result() for _ in range(6)]
    assert found == ["inner", "g"] * 2 + [None] * 2
    after = {"generator": "g", "after 0": "g", "after 1": "g"}
    assert traced.threads() == {**after, "step 0": "inner", "step 1": "inner"}


@every_decorator
def test_dependencies_and_managers_over_decorated_generators(traced, decorate):
    """A `yield` dependency and an asynccontextmanager keep context variables, and clean up."""
    seen = []

    @decorate
    async def dependency():
        token = variable.set("body")
        yield variable.get()
        seen.append(variable.get())
        variable.reset(token)

    app = FastAPI()

    @app.get("/{times}")
    async def endpoint(times: int, found: str = Depends(dependency)) -> list[str]:
        async with contextlib.asynccontextmanager(dependency)() as inside:
            return [found, inside, variable.get()] * times

    with TestClient(app) as client:
        assert client.get("/1").json() == ["body"] * 3
    assert (seen, variable.get(), otel.get_current_span()) == (["body"] * 2, "untouched", otel.INVALID_SPAN)
