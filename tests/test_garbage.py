"""Whatever an application hands us, on purpose or not: nothing is raised, and no id is made up of it."""

import asyncio
import dataclasses
import logging
import uuid
from unittest.mock import MagicMock

import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.trace import Status, StatusCode

import langwatch_otel as langwatch
from _recorder import recording

SECRET = "secret-4711"


class Hostile:
    """Raises whatever is asked of it."""

    def _refuse(self, *args, **kwargs):
        raise RuntimeError(SECRET)

    __str__ = __repr__ = __len__ = __eq__ = __hash__ = __iter__ = __bool__ = __getitem__ = _refuse
    __contains__ = __format__ = __call__ = __getattr__ = keys = items = values = _refuse


class HostileText(str):
    __str__ = __repr__ = __len__ = __iter__ = __bool__ = __getitem__ = Hostile._refuse


class HostileNumber(int):
    __str__ = __repr__ = __int__ = __index__ = __bool__ = bit_length = Hostile._refuse


class HostileDict(dict):
    __len__ = __iter__ = __bool__ = keys = items = values = get = Hostile._refuse


class HostileList(list):
    __len__ = __iter__ = __bool__ = __getitem__ = Hostile._refuse


@dataclasses.dataclass
class HostileRecord:
    """A dataclass with a field that cannot be read."""

    good: int = 1
    bad: int = 2

    def __getattribute__(self, name):
        return Hostile._refuse(self) if name == "bad" else object.__getattribute__(self, name)


class HostileModel(pydantic.BaseModel):
    """A pydantic model with a field that cannot be read."""

    good: int = 1
    bad: int = 2

    def __getattribute__(self, name):
        return Hostile._refuse(self) if name == "bad" else object.__getattribute__(self, name)


class Empty(pydantic.BaseModel):
    """A model without fields."""


def forever():
    while True:
        yield "x"


HOSTILE = [
    Hostile(), HostileText("t"), HostileNumber(7), HostileDict(a=1), HostileList([1]), HostileRecord(),
    HostileModel(), Empty(), {"a": Hostile()}, [Hostile()], object(), Hostile, len, range(10**12), b"x",
    float("nan"), 10**10_000, "\ud800", {"\ud800": ["\ud800"]}, type("N" * 100_000, (), {})(),
]  # fmt: skip
IDS = [type(value).__name__[:20] + str(number) for number, value in enumerate(HOSTILE)]
FIELDS = ("thread_id", "user_id", "customer_id", "labels", "metadata")


def use(tracer, field, value):
    """Hand `value` over as `field` at every door that there is."""
    with tracer.start_as_current_span("request"):
        langwatch.set_conversation(**{field: value})
        langwatch.get_current_trace().update(**{field: value}, input=value, output=value, other=value)
        langwatch.get_current_trace().update(metadata={field: value, "key": value})
        with langwatch.trace(**{field: value}) as turn:
            turn.update(metadata=value)
        with langwatch.span(name="span", input=value) as span:
            span.update(output=value, model=value, type=value, error=value, key=value, params=value)
        with langwatch.conversation(**{field: value}):
            tracer.start_span("inside").end()
        return langwatch.trace(**{field: lambda **_: value})(lambda argument: 1)(value)


def ids(spans):
    """The values of every id on `spans`."""
    keys = ("session.id", "user.id", "gen_ai.conversation.id", "langwatch.thread.id", "langwatch.customer.id")
    return [span.attributes[key] for span in spans for key in keys if key in span.attributes]


@pytest.mark.parametrize("value", HOSTILE, ids=IDS)
@pytest.mark.parametrize("field", FIELDS)
def test_hostile_values_are_taken_or_left(caplog, field, value):
    """A value that raises at every touch changes nothing: same result, all spans, clean log."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    with recording(settings={"capture_content": True}) as recorder:
        assert use(recorder.tracer, field, value) == 1
        assert len(recorder.spans) == 5
        assert [found for found in ids(recorder.spans) if type(found) is not str] == []
    assert [each for each in caplog.messages if SECRET in each] == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.uuids()
    | st.characters(categories=["Cs"]) | st.complex_numbers() | st.decimals() | st.datetimes()
    | st.integers(0, len(HOSTILE) - 1).map(lambda index: HOSTILE[index]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    | st.tuples(inner) | st.builds(iter, st.lists(inner, max_size=2)),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(field=st.sampled_from(FIELDS), value=ANYTHING)
def test_anything_goes(field, value):
    """No value of any field raises, and every id on every span is a string that is not blank."""
    with recording(settings={"capture_content": True}) as recorder:
        assert use(recorder.tracer, field, value) == 1
        assert len(recorder.spans) == 5
        assert [found for found in ids(recorder.spans) if type(found) is not str or not found.strip()] == []


def test_one_bad_field_costs_no_other():
    """What is wrong with one field, or with one metadata key, leaves the others as they are."""
    number = uuid.UUID(int=1)
    with recording() as recorder, recorder.tracer.start_as_current_span("request"):
        langwatch.set_conversation(
            thread_id="t",
            user_id=Hostile(),
            customer_id=number,
            labels=Hostile(),
            metadata={"a": 1, "b": HostileDict()},
        )
        with langwatch.trace(name="turn", thread_id=lambda **_: 1 / 0, user_id="u"):
            pass
    expected = {"session.id": "t", "langwatch.customer.id": str(number), "langwatch.metadata.a": 1}
    found = {key: value for key, value in recorder.by_name["turn"].items() if key in expected or key == "user.id"}
    assert found == {**expected, "user.id": "u"}


def test_values_that_cannot_be_compared_still_name():
    """Naming again with metadata whose values refuse to be compared works like naming with any other."""
    with recording() as recorder, recorder.tracer.start_as_current_span("request"):
        for number in (1, 2):
            langwatch.set_conversation(thread_id="t", metadata={"a": Hostile(), "b": number})
        assert langwatch.get_conversation() != langwatch.Conversation("t", metadata={"a": Hostile(), "b": 2})
    assert recorder.by_name["request"]["langwatch.metadata.b"] == 2


def test_a_failing_attribute_is_recorded_as_its_error():
    """A field that raises when it is read shows the type of its error, and its siblings are recorded."""
    with recording(settings={"capture_content": True}) as recorder:
        langwatch.trace(name="f")(lambda record, model, empty: None)(HostileRecord(), HostileModel(), Empty())
    bad = '{"good": 1, "bad": "<RuntimeError>"}'
    assert recorder.by_name["f"]["input.value"] == f'{{"record": {bad}, "model": {bad}, "empty": {{}}}}'


class HostileToEveryName:
    """Raises whatever attribute it is asked for, its dictionary too."""

    __getattribute__ = Hostile._refuse


@pytest.mark.parametrize("decorate", [langwatch.trace, langwatch.span, langwatch.conversation])
@pytest.mark.parametrize("kind", [Hostile, HostileToEveryName, MagicMock])
def test_what_a_call_returns_is_its_callers(decorate, kind):
    """A result that raises when an attribute is read, or that has every attribute, is returned as it is."""
    value = kind()

    async def later():
        return value

    with recording(settings={"capture_content": True}) as recorder:
        assert decorate(lambda: value)() is value
        assert asyncio.run(decorate(later)()) is value
        assert len(recorder.spans) == (0 if decorate is langwatch.conversation else 2)


def test_labels_may_be_an_endless_iterator():
    """Labels from an iterator that never ends are taken up to a bound."""
    with recording() as recorder, recorder.tracer.start_as_current_span("request"):
        langwatch.set_conversation(thread_id="t", labels=forever())
    assert len(recorder.by_name["request"]["langwatch.labels"]) == 1000


def test_handles_swallow_what_the_sdk_refuses():
    """Every method of a span's handle takes garbage in silence."""
    garbage = Hostile()
    with recording() as recorder, langwatch.span(name="span") as span:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        for method in ("set_attribute", "add_event", "set_status", "add_link"):
            getattr(span, method)(garbage, garbage)
        for method in ("set_attributes", "record_exception", "record_error", "update_name"):
            getattr(span, method)(garbage)
        span.set_status(Status(StatusCode.OK))
        span.end()
        span.end()
    assert len(recorder.spans) == 1


def test_an_exception_without_text_is_still_an_error():
    """An exception that cannot say what it is marks its span as failed, and reaches the caller itself."""

    class MuteError(Exception):
        __str__ = __repr__ = Hostile._refuse

    error = MuteError()

    @langwatch.trace(name="f")
    def f():
        raise error

    with recording() as recorder:
        with pytest.raises(MuteError) as caught:
            f()
        assert caught.value is error
        assert [span.status.status_code for span in recorder.spans] == [StatusCode.ERROR]
