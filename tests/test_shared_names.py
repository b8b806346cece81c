"""A conversation that is named again is not worked out again: what is shared so never mixes two names."""

import pytest

import langwatch_otel as langwatch
from _recorder import recording
from langwatch_otel import rendering
from langwatch_otel.identity import Conversation
from langwatch_otel.privacy import Pseudonym

NAMED = Conversation("t", "u")


def ids(span):
    """The ids on a span, by attribute."""
    return {key: value for key, value in span.items() if key in {"session.id", "user.id", "user.hash", "thread"}}


def test_one_conversation_is_rendered_once():
    """The header, the body and the handler of a request mostly name the same one."""
    with recording():
        assert rendering.render(NAMED) is rendering.render(Conversation("t", "u"))


@pytest.mark.parametrize(
    "named",
    [
        Conversation("t", "u", None, ("label",)),
        Conversation("t", "u", metadata={"plan": "pro"}),
        Conversation("t", Pseudonym("u")),
    ],
    ids=["labels", "metadata", "pseudonym"],
)
def test_what_is_large_or_knows_a_raw_id_is_not_kept(named):
    """Labels and metadata may be megabytes, and a pseudonym holds the id that it was made of."""
    with recording():
        assert rendering.render(named) is not rendering.render(named)
        assert rendering.render(NAMED).plain == {"session.id": "t", "user.id": "u"}


def test_what_was_kept_is_forgotten_with_the_settings():
    """The same conversation is spelled by the settings in force, not by those it was first named under."""
    found = []
    for settings in ({}, {"conventions": ["langfuse"]}, {"max_id_length": 200}):
        with recording(settings=settings):
            found.append(sorted(rendering.render(NAMED).plain))
    assert found[0] == found[2] != found[1]


def test_a_name_that_came_in_stays_weak_beside_one_that_was_said():
    """What came in by baggage gives way to a word, though elsewhere the very same name was said."""
    from opentelemetry.context import attach, detach
    from opentelemetry.propagate import extract

    with recording() as recorder:
        with langwatch.conversation(thread_id="came"), recorder.tracer.start_as_current_span("said"):
            pass
        token = attach(extract({"baggage": "session.id=came"}))
        try:
            with recorder.tracer.start_as_current_span("in"), recorder.tracer.start_as_current_span("below"):
                langwatch.set_conversation(thread_id="word")
        finally:
            detach(token)
        with langwatch.conversation(thread_id="came"), recorder.tracer.start_as_current_span("again"):
            langwatch.set_conversation(thread_id="second")
        found = {name: span.get("session.id") for name, span in recorder.by_name.items()}
        assert found == {"said": "came", "in": "word", "below": "word", "again": "came"}
