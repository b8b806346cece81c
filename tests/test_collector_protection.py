"""The Collector with collector-config.yaml: what must not go out."""

import hashlib
import re

from _collector import ERROR, Collector, needs_collector, span, to
from _collector_blocks import content, users
from _collector_pipelines import KEY, Everything, everything
from corpus.record.environments import ENVIRONMENTS
from langwatch_otel.workbench.receiver import Receiver
from test_corpus import read

__all__ = ["everything"]

pytestmark = needs_collector

CREDENTIALS = ("gen_ai.headers", "llm.headers", "http.request.header.authorization", "http.request.header.x-api-key")


def deleted(statements, pattern=r'delete_key\(span.attributes, "([^"]+)"\)$'):
    """The keys that go whatever their value, or whatever else the pattern finds."""
    return [found[1] for one in statements if (found := re.search(pattern, one))]


CONTENT = dict.fromkeys(deleted(content()), "SECRET")
PREFIXES = [pattern.replace("\\", "") for pattern in deleted(content(), r'"\^([^"]+)"')]
CONTENT |= {f"{prefix}0.content": "SECRET" for prefix in PREFIXES}
USERS = dict.fromkeys(deleted(users()), "ana")
KEPT = {"session.id": "t1", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "http.route": "/chat"}
EXCEPTION = {"exception.type": "ValueError", "exception.message": "SECRET", "exception.stacktrace": "SECRET"}


def secret_span(name, **more):
    """A span with all that protection is about."""
    given = KEPT | CONTENT | USERS | dict.fromkeys(CREDENTIALS, "Bearer SECRET")
    given |= {"user.id": "ana", "user.email": "ana@example.com", "metadata": '{"user_id": "ana", "plan": "pro"}'}
    return span(name, given | {"question": "SECRET"}, status=ERROR, message="SECRET", **more)


def test_what_must_not_go_out_does_not(everything):
    """Users are hashed with the key, under one name; nothing of what was said is left; everybody else gets it all."""
    events = {"exception": EXCEPTION, "gen_ai.user.message": {"content": "SECRET"}}
    resource = {"user.id": "ana", "service.name": "s"}
    spans = (secret_span("with events", events=events), secret_span("without"), span("bob's", {"user.id": "bob"}))
    everything.collector.send(*spans, resource=resource)
    names = [one["name"] for one in spans]
    hashed = {name: hashlib.sha256(f"{KEY}:{name}".encode()).hexdigest() for name in ("ana", "bob")}
    assert everything.arrived("protected", names) == {
        "with events": KEPT | {"user.id": hashed["ana"]},
        "without": KEPT | {"user.id": hashed["ana"]},
        "bob's": {"user.id": hashed["bob"]},
    }
    found = everything.spans("protected", ["with events"])[0]
    assert (found.status, found.resource) == ("ERROR", {"service.name": "s"})
    assert [(event.name, event.attributes) for event in found.events] == [
        ("exception", {"exception.type": "ValueError"}),
        ("gen_ai.user.message", {}),
    ]
    whole = everything.arrived("full", ["without"])["without"]
    assert (CONTENT | USERS | {"user.id": "ana", "question": "SECRET"}).items() <= whole.items()
    assert not set(CREDENTIALS) & whole.keys()


def test_content_alone_can_go(everything):
    """Whatever is known to be content goes, on spans with events and without; other attributes and users stay."""
    everything.collector.send(secret_span("events", events={"exception": EXCEPTION}), secret_span("no events"))
    left = everything.arrived("no_content", ["events", "no events"])
    assert left["events"] == left["no events"]
    assert not CONTENT.keys() & left["events"].keys()
    assert (USERS | {"question": "SECRET", "user.id": "ana"}).items() <= left["events"].items()


# What users and models say in the recorded conversations, however it is escaped.
SAID = ("Zo", "京", "u4eac", "You said", "Your name", "Antworte", "Wie ist", "Vielen", "please")
# Recordings in which it is in log records alone.
IN_LOG_RECORDS = {"genai-openai-events", "openai-v2"}
# Recordings in which an application's own functions have arguments under names of their own.
OWN_NAMES = {"logfire": {"said", "answer", "city", "return"}}


def test_of_recorded_conversations_nothing_goes_out(everything):
    """Of no SDK that was recorded a word is left, where names are known; where content is, what is listed."""
    sent = {f"{name} {number}": one for name in ENVIRONMENTS for number, one in enumerate(read(name)["spans"])}
    everything.collector.send(
        *(
            span(name, one["attributes"], events={event["name"]: event["attributes"] for event in one["events"]})
            for name, one in sent.items()
        )
    )
    assert set(ENVIRONMENTS) - telling(everything.spans("full", sent)).keys() == IN_LOG_RECORDS
    assert telling(everything.spans("protected", sent)) == {}
    assert telling(everything.spans("no_content", sent)) == OWN_NAMES


def telling(spans):
    """{recording: keys} of the attributes, of spans and events, that hold something said."""
    found = {}
    for one in spans:
        of_events = [item for event in one.events for item in event.attributes.items()]
        for key, value in (*one.attributes.items(), *of_events):
            if any(word in str(value) for word in SAID):
                found.setdefault(one.name.split()[0], set()).add(key)
    return found


def test_without_a_key_users_are_removed(tmp_path):
    """A hash without a key could be guessed, so there is none."""
    with Receiver() as protected, Collector(tmp_path, **to(protected, "protected")) as collector:
        collector.send(secret_span("secret"))
        assert Everything(tmp_path, collector, protected=protected).arrived("protected", ["secret"]) == {"secret": KEPT}


def test_texts_can_be_cut(everything):
    """256 bytes of each are left, and no half of a character."""
    everything.collector.send(
        span("long", {"input.value": "漢" * 100, "n": 1}, events={"exception": {"exception.message": "a" * 300}}),
        span("long without events", {"input.value": "b" * 300}),
    )
    assert everything.arrived("cut", ["long", "long without events"]) == {
        "long": {"input.value": "漢" * 85, "n": 1},
        "long without events": {"input.value": "b" * 256},
    }
    assert everything.spans("cut", ["long"])[0].events[0].attributes == {"exception.message": "a" * 256}
