"""The Collector with collector-config.yaml: which ids come out, and what does not."""

import hashlib
import json
import random
import re
from collections import Counter

import pytest

from _cases import CASES, GENAI_SCOPE, KINDS
from _collector import BASE, ERROR, SERVER, Collector, needs_collector, span, to
from _collector_blocks import CANONICAL, backends, content, keys_of, users
from corpus.record.environments import ENVIRONMENTS
from langwatch_otel.conventions import canonical
from langwatch_otel.workbench.otlp import JSON, decode
from langwatch_otel.workbench.receiver import Receiver
from test_corpus import read

pytestmark = needs_collector

CREDENTIALS = ("gen_ai.headers", "llm.headers", "http.request.header.authorization", "http.request.header.x-api-key")


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A Collector whose three pipelines have a backend each."""
    with Receiver() as full, Receiver() as protected, Receiver() as sampled:
        environment = {**to(full, "full"), **to(protected, "protected"), **to(sampled, "sampled")}
        folder = tmp_path_factory.mktemp("collector")
        with Collector(folder, BASE, USER_HASH_KEY="a-key-of-16-chars", **environment) as collector:
            yield collector, full, protected, sampled


def arrived(receiver, names):
    """{name: attributes} of the spans of these names, when all have arrived."""
    wanted = set(names)
    spans = receiver.wait_for(lambda spans: wanted <= {span.name for span in spans}, 30)
    return {span.name: span.attributes for span in spans if span.name in wanted}


def singles():
    """A span for each key that names somebody."""
    for field in CANONICAL:
        named, inside = keys_of(field)
        for key in (*named, *inside):
            yield {key: f"{field} of {key}", "other": 1}
            yield {key: 42}
            yield {key: " "}
        for key in keys_of("metadata")[0]:
            yield {key: json.dumps({"plan": "pro", field: f"{field} in {key}"})}
            yield {key: f'{{"{field}": "cut o'}


def mixtures():
    """Spans on which several keys say different things."""
    seeded = random.Random(8)
    named = [key for field in CANONICAL for keys in keys_of(field) for key in keys if not key.endswith("Id")]
    for _ in range(500):
        keys = seeded.sample(named, seeded.randint(1, 6))
        yield {key: seeded.choice(["a", "b", "ü", "", " ", 7, "[Scrubbed due to 'session']"]) for key in keys}


def of_cases():
    """What the case files of the conventions have, as far as OTLP's attributes take it."""
    for case in CASES.values():
        for one in case["reads"]:
            yield {key: value for key, value in one["attributes"].items() if value is not None}


def of_recordings():
    """The spans of other SDKs, as they were recorded."""
    for name in ENVIRONMENTS:
        for one in read(name)["spans"]:
            yield one["attributes"]


@pytest.mark.parametrize("source", [singles, mixtures, of_cases, of_recordings])
def test_every_vendors_spelling_comes_out_canonical_and_nothing_else_changes(everything, source):
    """Thread and user are those that `canonical()` finds, under our names; every other attribute is as it was."""
    collector, full, _, _ = everything
    sent = {f"{source.__name__} {number}": attributes for number, attributes in enumerate(source())}
    collector.send(*(span(name, attributes) for name, attributes in sent.items()))
    assert arrived(full, sent) == {name: with_ids(attributes) for name, attributes in sent.items()}


def with_ids(attributes):
    """The attributes as they should come out."""
    ids = canonical(attributes).conversation
    found = {key: value for key, value in attributes.items() if key not in (*CANONICAL.values(), *CREDENTIALS)}
    named = {key: getattr(ids, field) for field, key in CANONICAL.items()}
    return found | {key: value for key, value in named.items() if value is not None}


def test_an_id_of_the_resource_is_every_spans(everything):
    """A program that says once who it speaks for, in its resource, is grouped by backends that look at spans."""
    collector, full, _, _ = everything
    resource = {"session.id": "of the process", "user.id": "ana"}
    collector.send(span("bare"), span("named", {"session.id": "its own"}), resource=resource)
    assert arrived(full, ["bare", "named"]) == {
        "bare": resource,
        "named": {"session.id": "its own", "user.id": "ana"},
    }


TO_BACKENDS = """
exporters:
{exporters}
service:
  pipelines:
{pipelines}
"""


def test_backends_with_names_of_their_own_get_them(tmp_path):
    """Each processor writes what its conventions write of ids, on the spans where they do; all else is as it was."""
    names = [of[0].name for of in backends().values()]
    exporters = "".join(f"  file/{name}: {{path: {tmp_path}/{name}.jsonl, flush_interval: 100ms}}\n" for name in names)
    pipelines = "".join(
        f"    traces/{name}: {{receivers: [forward], processors: [transform/for_{name}], exporters: [file/{name}]}}\n"
        for name in names
    )
    kinds = {
        "plain": {"parent": b"p" * 8},
        "genai": {"parent": b"p" * 8, "scope": GENAI_SCOPE},
        "server": {"kind": SERVER},
        "turn": {"scope": "langwatch_otel"},
    }
    ids = {"session.id": "thread-1", "user.id": "user-1"}
    given = {kind: ids | ({"gen_ai.operation.name": "chat"} if kind == "genai" else {}) for kind in KINDS}
    with Collector(tmp_path, BASE, TO_BACKENDS.format(exporters=exporters, pipelines=pipelines)) as collector:
        collector.send(*(span(kind, given[kind], **kinds[kind]) for kind in KINDS), span("unnamed"))
    for of in backends().values():
        found = {one.name: one.attributes for one in in_file(tmp_path / f"{of[0].name}.jsonl")}
        for convention in of:
            keys = {write.key for write in convention.writes if write.field in CANONICAL}
            expected = {
                kind: given[kind]
                | {key: value for key, value in CASES[convention.name]["writes"][kind].items() if key in keys}
                for kind in KINDS
            }
            assert found == {**expected, "unnamed": {}}, convention.name


def in_file(path):
    """The spans that the file exporter wrote, of all of its lines."""
    return [one for line in path.read_bytes().splitlines() for one in decode(line, JSON)]


def deleted(statements, pattern=r'delete_key\(span.attributes, "([^"]+)"\)$'):
    """The keys that go whatever their value, or whatever else the pattern finds."""
    return [found[1] for one in statements if (found := re.search(pattern, one))]


CONTENT = dict.fromkeys(deleted(content()), "SECRET")
PREFIXES = [pattern.replace("\\", "") for pattern in deleted(content(), r'"\^([^"]+)"')]
CONTENT |= {f"{prefix}0.content": "SECRET" for prefix in PREFIXES}
USERS = dict.fromkeys(deleted(users()), "ana")
KEPT = {"session.id": "t1", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "http.route": "/chat"}
EXCEPTION = {"exception.type": "ValueError", "exception.message": "SECRET", "exception.stacktrace": "SECRET"}


def secret_span(name):
    """A span with all that protection is about."""
    given = KEPT | CONTENT | USERS | dict.fromkeys(CREDENTIALS, "Bearer SECRET")
    given |= {"user.id": "ana", "user.email": "ana@example.com", "metadata": '{"user_id": "ana", "plan": "pro"}'}
    events = {"exception": EXCEPTION, "gen_ai.user.message": {"content": "SECRET"}}
    return span(name, given, status=ERROR, message="SECRET", events=events)


def test_what_must_not_go_out_does_not(everything):
    """Users are hashed with the key, under one name; nothing of what was said is left; everybody else gets it all."""
    collector, full, protected, _ = everything
    collector.send(
        secret_span("secret"), span("other", {"user.id": "bob"}), resource={"user.id": "ana", "service.name": "s"}
    )
    hashed = {name: hashlib.sha256(f"a-key-of-16-chars:{name}".encode()).hexdigest() for name in ("ana", "bob")}
    assert arrived(protected, ["secret", "other"]) == {
        "secret": KEPT | {"user.id": hashed["ana"]},
        "other": {"user.id": hashed["bob"]},
    }
    [found] = [one for one in protected.spans if one.name == "secret"]
    assert (found.status, found.resource) == ("ERROR", {"service.name": "s"})
    assert [(event.name, event.attributes) for event in found.events] == [
        ("exception", {"exception.type": "ValueError"}),
        ("gen_ai.user.message", {}),
    ]
    assert not any(b"SECRET" in body for body in protected.requests)
    [whole] = arrived(full, ["secret"]).values()
    assert (CONTENT | USERS | {"user.id": "ana"}).items() <= whole.items()
    assert not set(CREDENTIALS) & whole.keys()


def test_without_a_key_users_are_removed(tmp_path):
    """A hash without a key could be guessed, so there is none."""
    with Receiver() as protected, Collector(tmp_path, BASE, **to(protected, "protected")) as collector:
        collector.send(secret_span("secret"))
        assert arrived(protected, ["secret"]) == {"secret": KEPT}


CUT = """
service:
  pipelines:
    traces/full:
      processors: [transform/cut_content]
"""


def test_texts_are_cut(tmp_path):
    """256 bytes of each are left, and no half of a character."""
    with Receiver() as full, Collector(tmp_path, BASE, CUT, **to(full, "full")) as collector:
        collector.send(
            span("long", {"input.value": "漢" * 100, "n": 1}, events={"exception": {"exception.message": "a" * 300}})
        )
        assert arrived(full, ["long"]) == {"long": {"input.value": "漢" * 85, "n": 1}}
        assert full.spans[0].events[0].attributes == {"exception.message": "a" * 256}


CONVERSATIONS, SPANS = 2000, 12


def test_conversations_are_kept_whole_or_not_at_all(everything):
    """Of 2,000 conversations 8 to 12 % are kept, each with all of its spans; beside them errors, and what has no id."""
    collector, _, _, sampled = everything
    for first in range(0, CONVERSATIONS, 100):
        collector.send(
            *(
                span(f"turn {number}", {"gen_ai.conversation.id": f"sampled {thread}"})
                for thread in range(first, first + 100)
                for number in range(SPANS)
            ),
            *(
                span("failed", {"session.id": f"sampled {thread}"}, status=ERROR)
                for thread in range(first, first + 100)
            ),
            *(span("unnamed") for _ in range(10)),
        )
    collector.send(span("the last one"))
    arrived(sampled, ["the last one"])
    found = [
        one
        for one in sampled.wait_for(lambda spans: len(spans) > 3000)
        if one.name.startswith(("turn ", "failed", "unn"))
    ]
    named = Counter(one.name for one in found)
    assert (named.pop("failed"), named.pop("unnamed")) == (CONVERSATIONS, 200)
    spans = Counter(one.attributes["session.id"] for one in found if one.name.startswith("turn"))
    print(f"kept: {len(spans)} of {CONVERSATIONS}")
    assert 0.08 * CONVERSATIONS <= len(spans) <= 0.12 * CONVERSATIONS
    assert set(spans.values()) == {SPANS}
