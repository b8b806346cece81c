"""The case files read by the whole catalogue, and each of its keys: what a vendor writes, and what we write for it."""

import pytest

from _cases import CASES, WHOLE
from langwatch_otel import conventions
from langwatch_otel.conventions._convention import LOCAL_ROOT


def read_of(attributes):
    """What a case file tells of a span: its conversation and content, and the keys of both."""
    found = conventions.canonical(attributes)
    told = found.conversation._asdict() | {"input": found.input, "output": found.output}
    told |= {"labels": list(found.conversation.labels), "metadata": dict(found.conversation.metadata)}
    for name in ("input_messages", "output_messages"):
        if messages := getattr(found, name):
            told[name] = [{"role": each.role, "content": each.content} for each in messages]
    fields = {*found.conversation._fields, "input", "output"}
    return {"expected": told, "took": {field: key for field, key in found.took.items() if field in fields}}


READS = [
    pytest.param(case, id=f"{name}-{number}")
    for name, cases in CASES.items()
    for number, case in enumerate(cases["reads"])
]


@pytest.mark.parametrize("case", READS)
def test_a_case_file_is_read_by_the_catalogue(case):
    """The spans of each vendor's case file are read as it says, by the keys that it says."""
    assert read_of(case["attributes"]) == {"expected": case["expected"], "took": case["took"]}


@pytest.mark.parametrize("name", conventions.NAMES)
def test_each_key_of_a_convention_is_read(name):
    """A key that the catalogue names is taken where nothing else is on the span."""
    reads = conventions.load(name).reads._asdict()
    given = {"labels": ["a"], "metadata": '{"plan": "pro"}'}
    taken = {}
    for field in ("thread_id", "user_id", "customer_id", "labels", "input", "output"):
        for key in reads[field]:
            spread = {f"{key}0.role": "user", f"{key}0.content": "x"}
            span = spread if key.endswith(".") else {key: given.get(field, "x")}
            taken[key] = conventions.canonical(span).took.get(field)
    assert taken == {key: key.rstrip(".") for key in taken}
    for key in reads["metadata"]:
        assert conventions.canonical({key: given["metadata"]}).conversation.metadata == {"plan": "pro"}
    for prefix in reads["metadata_prefixes"]:
        assert conventions.canonical({f"{prefix}plan": "pro"}).conversation.metadata == {"plan": "pro"}


@pytest.mark.parametrize("name", [name for name in conventions.NAMES if conventions.load(name).writes])
def test_what_a_convention_writes_is_read_back(name):
    """The attributes that a convention writes on a GenAI span say the same conversation, as far as it has keys."""
    written = CASES[name]["writes"]["genai"]
    found = conventions.canonical(written).conversation
    fields = {write.field for write in conventions.load(name).writes if write.on != LOCAL_ROOT}
    expected = {field: WHOLE[field] for field in fields}
    assert {field: getattr(found, field) for field in fields} == expected | {
        field: tuple(value) for field, value in expected.items() if field == "labels"
    }
