"""The Collector with collector-config.yaml: which ids come out, and what does not."""

import json
import random
from collections import Counter

import pytest

from _cases import CASES, GENAI_SCOPE, KINDS
from _collector import ERROR, SERVER, Collector, needs_collector, span, to
from _collector_blocks import CANONICAL, backends, keys_of
from _collector_pipelines import everything
from corpus.record.environments import ENVIRONMENTS
from langwatch_otel.conventions import canonical
from langwatch_otel.workbench.receiver import Receiver
from test_corpus import read

__all__ = ["everything"]

pytestmark = needs_collector

CREDENTIALS = ("gen_ai.headers", "llm.headers", "http.request.header.authorization", "http.request.header.x-api-key")


def singles():
    """A span for each key that names somebody."""
    for field in CANONICAL:
        named, inside = keys_of(field)
        for key in (*named, *inside):
            yield {key: f"{field} of {key}", "other": 1}
            yield {key: 42}
            yield {key: " "}
            yield {key: True}
            yield {key: 1.5}
        for key in keys_of("metadata")[0]:
            yield {key: json.dumps({"plan": "pro", field: f"{field} in {key}"})}
            yield {key: f'{{"{field}": 42}}'}
            yield {key: f'{{"{field}": 4.5}}'}
            yield {key: f'{{"{field}": ["a"]}}'}
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
    sent = {f"{source.__name__} {number}": attributes for number, attributes in enumerate(source())}
    everything.collector.send(*(span(name, attributes) for name, attributes in sent.items()))
    assert everything.arrived("full", sent) == {name: with_ids(attributes) for name, attributes in sent.items()}


def with_ids(attributes):
    """The attributes as they should come out."""
    ids = canonical(attributes).conversation
    found = {key: value for key, value in attributes.items() if key not in (*CANONICAL.values(), *CREDENTIALS)}
    named = {key: getattr(ids, field) for field, key in CANONICAL.items()}
    return found | {key: value for key, value in named.items() if value is not None}


def test_an_id_of_the_resource_is_every_spans(everything):
    """A program that says once who it speaks for, in its resource, is grouped by backends that look at spans."""
    resource = {"session.id": "of the process", "user.id": "ana"}
    everything.collector.send(span("bare"), span("named", {"session.id": "its own"}), resource=resource)
    assert everything.arrived("full", ["bare", "named"]) == {
        "bare": resource,
        "named": {"session.id": "its own", "user.id": "ana"},
    }


def test_backends_with_names_of_their_own_get_them(everything):
    """Each processor writes what its conventions write of ids, on the spans where they do; all else is as it was."""
    kinds = {
        "plain": {"parent": b"p" * 8},
        "genai": {"parent": b"p" * 8, "scope": GENAI_SCOPE},
        "server": {"kind": SERVER},
        "turn": {"scope": "langwatch_otel"},
    }
    ids = {"session.id": "thread-1", "user.id": "user-1"}
    given = {kind: ids | ({"gen_ai.operation.name": "chat"} if kind == "genai" else {}) for kind in KINDS}
    everything.collector.send(*(span(kind, given[kind], **kinds[kind]) for kind in KINDS), span("unnamed"))
    for of in backends().values():
        found = everything.arrived(of[0].name, [*KINDS, "unnamed"])
        for convention in of:
            keys = {write.key for write in convention.writes if write.field in CANONICAL}
            written = {
                kind: {key: value for key, value in CASES[convention.name]["writes"][kind].items() if key in keys}
                for kind in KINDS
            }
            assert found == {**{kind: given[kind] | written[kind] for kind in KINDS}, "unnamed": {}}, convention.name


CONVERSATIONS, SPANS = 2000, 12


def test_conversations_are_kept_whole_or_not_at_all(tmp_path):
    """Of 2,000 conversations 8 to 12 % are kept, each with all its spans; beside them errors, and what has no id."""
    with Receiver() as sampled, Collector(tmp_path, **to(sampled, "sampled")) as collector:
        send_conversations(collector)
        spans = sampled.wait_for(lambda spans: any(span.name == "the last one" for span in spans), 30)
    named = Counter(one.name for one in spans)
    assert (named["failed"], named["without an id"]) == (CONVERSATIONS, CONVERSATIONS / 10)
    kept = Counter(one.attributes["session.id"] for one in spans if one.name == "in a turn")
    assert 0.08 * CONVERSATIONS <= len(kept) <= 0.12 * CONVERSATIONS
    assert set(kept.values()) == {SPANS}


def send_conversations(collector):
    """Send conversations of 12 spans and an error each, and a tenth as many spans without an id."""
    for first in range(0, CONVERSATIONS, 100):
        threads = [f"sampled {number}" for number in range(first, first + 100)]
        collector.send(
            *(span("in a turn", {"gen_ai.conversation.id": thread}) for thread in threads for _ in range(SPANS)),
            *(span("failed", {"session.id": thread}, status=ERROR) for thread in threads),
            *(span("without an id") for _ in range(10)),
        )
    collector.send(span("the last one"))
