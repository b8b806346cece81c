"""Settings: what each takes, and what becomes of those that it does not take."""

import pytest
from opentelemetry.context import Context, attach, detach

from _recorder import NAMED, UNNAMED, make_provider, named, processors
from langwatch_otel import ConfigurationError, LangWatchInstrumentor, _guard, config
from langwatch_otel.conventions import NAMES


@pytest.fixture(autouse=True)
def off_again(monkeypatch):
    """Whatever a test turns on is off again, in an empty context."""
    monkeypatch.setattr(_guard, "_said", set())
    token = attach(Context())
    yield
    LangWatchInstrumentor().uninstrument()
    detach(token)


@pytest.fixture
def provider():
    """A provider of one's own; what it exported is `provider.exporter`."""
    return make_provider()


HOSTS = "hosts, *.example.com, CIDR networks, host:port, none or *"
SOURCES = "header:NAME, path:NAME, query:NAME, cookie:NAME or body:JSON.PATH, several by comma"
WRONG = {
    "backfill": ("maybe", "true or false"),
    "capture_content": (2, "true or false"),
    "conventions": ("none-such", f"names among {', '.join(NAMES)}, or all"),
    "baggage_in_context": ("perhaps", "true or false"),
    "conversation_id_on": ("some", "one of genai, all, none"),
    "customer_id_from": ("header:", SOURCES),
    "flush_on_shutdown": ("", "true or false"),
    "inbound": ("deny", "one of accept, ignore"),
    "max_id_length": (15, "a whole number from 16 to 1024"),
    "outbound_hosts": ("http://a.example", HOSTS),
    "span_exclude_rules": (
        "name http",
        "rules of a field (name, scope, attribute:KEY), an operation (equals, contains, starts_with, ends_with, "
        "matches) and a value, such as 'name starts_with http'",
    ),
    "redact": ("wrong", "a function from text to text, or its import path (package.module:function)"),
    "thread_id_from": ("body:a..b", SOURCES),
    "turn_links": ("perhaps", "true or false"),
    "user_id_from": ("header:a b", SOURCES),
    "user_id_hash_key": ("too short", "a secret of 16 bytes or more"),
}
NOT_SHOWN = {"user_id_hash_key"}


def refusal(setting, value, takes):
    """What the error for `value` says; of a secret never the value."""
    got = "a value that is not shown" if setting in NOT_SHOWN else repr(value)
    return f"setting {setting!r} takes {takes}, got {got}"


def test_every_setting_has_a_wrong_value_here():
    """Each setting of the code is among those that the tests below hand a wrong value."""
    assert set(config.SETTINGS) - set(WRONG) == set()


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_value_is_refused(monkeypatch, provider, setting):
    """A wrong argument or variable raises ConfigurationError: setting, value and what it takes."""
    value, takes = WRONG[setting]
    with pytest.raises(ConfigurationError) as caught:
        LangWatchInstrumentor().instrument(tracer_provider=provider, **{setting: value})
    assert str(caught.value) == refusal(setting, value, takes)
    monkeypatch.setenv(f"OTEL_LANGWATCH_{setting.upper()}", "wrong!")
    with pytest.raises(ValueError) as caught:
        LangWatchInstrumentor().instrument(tracer_provider=provider)
    assert str(caught.value) == refusal(setting, "wrong!", takes)
    assert (named(provider), len(processors(provider))) == (UNNAMED, 1)


@pytest.mark.parametrize("value", [15, 1025, "x", 1.5, None, True, "0x20", 10**30])
def test_max_id_length_takes_whole_numbers_of_its_range(provider, value):
    """`max_id_length` takes 16 to 1024 and nothing else; None is as if it were not there."""
    if value is None:
        LangWatchInstrumentor().instrument(tracer_provider=provider, max_id_length=value)
        assert config.active().max_id_length == 200
        return
    with pytest.raises(ConfigurationError, match="max_id_length"):
        LangWatchInstrumentor().instrument(tracer_provider=provider, max_id_length=value)


def test_an_unknown_setting_is_refused(provider):
    """A setting that does not exist raises ConfigurationError that lists those that do."""
    with pytest.raises(ConfigurationError) as caught:
        LangWatchInstrumentor().instrument(tracer_provider=provider, thread="x")
    assert str(caught.value) == (
        f"setting 'thread' takes no value: the settings are {', '.join(sorted(config.SETTINGS))} "
        "(perhaps thread_id_from), "
        "got 'one of that name'"
    )


def test_auto_instrumentation_is_never_stopped(caplog, monkeypatch, provider):
    """Under auto-instrumentation wrong settings are logged and their defaults hold; others are taken."""
    monkeypatch.setenv("OTEL_LANGWATCH_BACKFILL", "maybe")
    LangWatchInstrumentor().instrument(
        tracer_provider=provider, skip_dep_check=True, nonsense=1, max_id_length=3, conversation_id_on="all"
    )
    active = config.active()
    assert (active.backfill, active.max_id_length, active.conversation_id_on) == (None, 200, "all")
    assert named(provider) == {**NAMED, "gen_ai.conversation.id": "t"}
    assert sorted(message.split(" takes ")[0] for message in caplog.messages) == [
        "setting 'backfill'", "setting 'max_id_length'", "setting 'nonsense'",
    ]  # fmt: skip
