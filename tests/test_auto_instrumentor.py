"""The entry points: what turns the plugin on without code never raises, and hears of every setting."""

import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach

from _recorder import NAMED, UNNAMED, make_provider, named
from langwatch_otel import LangWatchInstrumentor, _guard, config, environment_variables
from langwatch_otel.auto_instrumentor import AutoInstrumentor


@pytest.fixture(autouse=True)
def off_again(monkeypatch):
    """Whatever a test turns on is off again, in an empty context."""
    monkeypatch.setattr(_guard, "_said", set())
    LangWatchInstrumentor().uninstrument()
    token = attach(Context())
    yield
    monkeypatch.undo()
    LangWatchInstrumentor().uninstrument()
    detach(token)


def test_every_setting_is_a_flag():
    """`opentelemetry-instrument` finds a variable for each setting, and for nothing else."""
    found = {name for name in dir(environment_variables) if name.startswith("OTEL_")}
    assert found == {f"OTEL_LANGWATCH_{setting.upper()}" for setting in config.SETTINGS}


def test_declarative_configuration_and_auto_instrumentation_after_it(caplog):
    """Options of a file hold over the environment; a wrong one is logged once, and what is right is taken."""
    provider = make_provider()
    AutoInstrumentor().instrument(tracer_provider=provider, max_id_length=5, conversation_id_on="all", bakfill=True)
    AutoInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True, raise_exception_on_conflict=True)
    assert named(provider) == {**NAMED, "gen_ai.conversation.id": "t"}
    assert [message.rpartition(" takes ")[0] or message for message in caplog.messages] == [
        "setting 'max_id_length'",
        "setting 'bakfill'",
    ]
    assert caplog.messages[1].endswith("(perhaps backfill), got 'one of that name'; the default holds")


def test_a_provider_cannot_be_named_in_a_file(caplog):
    """What is no provider is logged, and the global one is used."""
    AutoInstrumentor().instrument(tracer_provider="mine", logger_provider=5, conversation_id_on="all")
    assert (LangWatchInstrumentor().is_instrumented_by_opentelemetry, config.active().conversation_id_on) == (
        True,
        "all",
    )
    assert caplog.messages == [
        "setting 'tracer_provider' takes a TracerProvider of opentelemetry-sdk, got 'str'; the default holds"
    ]


def test_it_never_raises(monkeypatch, caplog):
    """A mistake of ours is logged: raised, it would keep other instrumentors from loading."""
    monkeypatch.setattr(config, "read", lambda *_, **__: 1 / 0)
    AutoInstrumentor().instrument()
    assert caplog.messages == ["langwatch_otel failed while turning on: ZeroDivisionError"]


@pytest.mark.parametrize("value", ["true", " TRUE "])
def test_a_disabled_sdk_turns_it_off(monkeypatch, value):
    """With OTEL_SDK_DISABLED nothing is hooked and nothing is named."""
    before, provider = (trace._set_tracer_provider, FastAPI.__call__), make_provider()
    monkeypatch.setenv("OTEL_SDK_DISABLED", value)
    AutoInstrumentor().instrument(tracer_provider=provider)
    AutoInstrumentor().instrument()
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    assert not LangWatchInstrumentor().is_instrumented_by_opentelemetry
    assert ((trace._set_tracer_provider, FastAPI.__call__), named(provider)) == (before, UNNAMED)


@pytest.mark.parametrize(
    ("variable", "perhaps"),
    [
        ("OTEL_LANGWATCH_BACKFIL", " (perhaps OTEL_LANGWATCH_BACKFILL)"),
        ("OTEL_LANGWATCH_backfill", " (perhaps OTEL_LANGWATCH_BACKFILL)"),
        ("OTEL_LANGWATCH_ZZZZ", ""),
    ],
)
def test_an_unknown_variable_is_named(monkeypatch, caplog, variable, perhaps):
    """A variable that is no setting's is refused, without its value and with the closest name; here logged once."""
    monkeypatch.setenv(variable, "secret")
    known = ", ".join(f"OTEL_LANGWATCH_{setting.upper()}" for setting in sorted(config.SETTINGS))
    refusal = f"setting {variable!r} takes no value: the settings are {known}{perhaps}, got 'one of that name'"
    with pytest.raises(ValueError) as caught:
        LangWatchInstrumentor().instrument(tracer_provider=make_provider())
    assert str(caught.value) == refusal
    for _ in range(2):
        AutoInstrumentor().instrument(tracer_provider=make_provider())
    assert caplog.messages == [f"{refusal}; the default holds"]
