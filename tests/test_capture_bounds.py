"""What is captured is bounded, in bytes and in time, however large or strange the arguments are."""

import dataclasses
import json
import time
import tracemalloc
from collections import ChainMap, Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePosixPath
from uuid import UUID

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import langwatch_otel as langwatch
from _recorder import recording
from langwatch_otel.capture import CUT, MAX_BYTES, captured
from langwatch_otel.privacy import pseudonym
from langwatch_otel.texts import TextGuard

LETTERS = st.sampled_from(["a", "é", "漢", "😀", "\x00", '"', "\\", "\n", "\ud800", "\x7f"])
TEXTS = st.builds(lambda letter, count: letter * count, LETTERS, st.integers(0, 20_000))
NESTED = st.recursive(
    TEXTS | st.integers() | st.floats() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_text_is_cut_at_16_kib(text):
    """Text takes at most 16 KiB of UTF-8; a longer one ends in a mark, another is the text itself."""
    sayable = text.encode("utf-8", "backslashreplace").decode()
    found, mime = captured(text)
    assert mime == "text/plain"
    assert len(found.encode()) <= MAX_BYTES
    if len(sayable.encode()) <= MAX_BYTES:
        assert found == sayable
    else:
        assert found.endswith(CUT)
        assert sayable.startswith(found[: -len(CUT)])
        assert len(found.encode()) > MAX_BYTES - len(CUT.encode()) - 4


@settings(max_examples=150, deadline=None)
@given(value=st.lists(NESTED, max_size=5) | st.dictionaries(TEXTS, NESTED, max_size=4))
def test_nested_data_is_cut_at_16_kib(value):
    """Nested data is valid JSON of at most 16 KiB; what was left out is marked, else all is there."""
    found, mime = captured(value)
    assert mime == "application/json"
    assert len(found.encode()) <= MAX_BYTES
    read = json.loads(found)
    if CUT not in found:
        assert len(read) == len(value)


def test_a_stream_is_cut_and_marked():
    """A generator's text is joined up to 16 KiB and marked where there was more."""
    for count, cut in ((MAX_BYTES // 64, False), (MAX_BYTES // 64 + 1, True)):
        with recording(settings={"capture_content": True}) as recorder:

            @langwatch.trace(name="stream")
            def stream(count=count):
                yield from ["x" * 64] * count

            assert sum(map(len, stream())) == 64 * count
            found = recorder.by_name["stream"]["output.value"]
        assert len(found.encode()) <= MAX_BYTES
        assert found.endswith(CUT) == cut


def test_the_time_to_the_first_chunk_is_measured():
    """A generator's span says how many seconds passed until the first thing that it yields."""

    @langwatch.trace(name="stream")
    def stream():
        time.sleep(0.05)
        yield "x"

    with recording() as recorder:
        assert list(stream()) == ["x"]
        assert 0.05 <= recorder.by_name["stream"]["gen_ai.response.time_to_first_chunk"] < 5


class Slow:
    """An object that nobody should look into."""

    def __repr__(self):
        time.sleep(10)
        return "slow"

    __str__ = __repr__


@dataclasses.dataclass
class Node:
    """Half of a circle."""

    other: object = None


def circle():
    first, mapping = Node(), {}
    first.other = Node(first)
    mapping["self"] = [mapping, first]
    return mapping


def ladder():
    """Doubles at every step down: 2^60 paths through it."""
    found = ["x"]
    for _ in range(60):
        found = [found, found]
    return found


def chain(make):
    """So deep that nobody can walk down."""
    found = make(None)
    for _ in range(100_000):
        found = make(found)
    return found


class Item(pydantic.BaseModel):
    """A model with as many items as there are."""

    items: list[int]


LARGE = {
    "text": "x" * 10_000_000,
    "other alphabet": "漢" * 5_000_000,
    "control": "\x00" * 10_000_000,
    "bytes": bytes(10_000_000),
    "list": [0] * 2_000_000,
    "texts": ["y" * 1_000_000] * 10,
    "mapping": dict.fromkeys(range(1_000_000), "z"),
    "texts by name": dict.fromkeys(map(str, range(1_000_000)), "z"),
    "range": range(10**12),
    "set": set(range(500_000)),
    "key": {"k" * 10_000_000: 1},
    "number": 10**4000,
    "circle": circle(),
    "ladder": ladder(),
    "slow": [Slow()] * 10_000,
    "slow key": {Slow(): 1},
    "objects": [object()] * 1_000_000,
    "deep": chain(lambda inner: [inner]),
    "deep mapping": chain(lambda inner: {"inner": inner}),
    "model": Item(items=range(1_000_000)),
    "models": [Item(items=[1])] * 100_000,
    "empty": [[]] * 1_000_000,
    "nothing": [None] * 1_000_000,
    "surrogates": "\ud800" * 5_000_000,
    "digits": Decimal("1" * 1_000_000),
}


@pytest.mark.parametrize("shape", LARGE)
def test_capture_costs_little_however_large(shape):
    """Arguments of 10 MB, circles and objects with a slow `repr` cost a call some milliseconds."""
    value = LARGE[shape]
    with recording(settings={"capture_content": True}) as recorder:
        call = langwatch.trace(name="f")(lambda argument: argument)
        took = []
        for _ in range(5):
            began = time.perf_counter()
            assert call(value) is value
            took.append(time.perf_counter() - began)
        for key in ("input.value", "output.value"):
            assert len(recorder.by_name["f"][key].encode()) <= MAX_BYTES
    assert min(took) < 0.5  # Measured: less than 1 ms a capture; machines may be busy.


@pytest.mark.parametrize("shape", LARGE)
def test_capture_takes_little_memory_however_large(shape):
    """What is made of 10 MB on the way to 16 KiB is not another 10 MB, as an argument or as what was returned."""
    for value in (LARGE[shape], {"argument": LARGE[shape]}):
        captured(value)
        tracemalloc.start()
        try:
            captured(value)
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()


class Watched(list):
    """A list that counts what is taken out of it."""

    taken = 0

    def __iter__(self):
        for item in list.__iter__(self):
            self.taken += 1
            yield item


SCALARS = {"whole numbers": 1, "floats": 0.5, "texts": "", "nothing": None, "flags": True}
OTHERS = {
    "lists": [],
    "mappings": {},
    "models": Item(items=[]),
    "dataclasses": Node(),
    "unknown": object(),
    "decimals": Decimal(1),
    "ids": UUID(int=1),
}


@pytest.mark.parametrize("kind", [*SCALARS, *OTHERS])
def test_so_many_items_are_looked_at(kind):
    """Of scalars at most 2,049 are looked at, of what costs more 401; of a pair in a mapping, 1,366."""
    item = {**SCALARS, **OTHERS}[kind]
    items = Watched([item] * 100_000)
    text, _ = captured(items)
    assert len(text.encode()) <= MAX_BYTES
    assert items.taken <= (401 if kind in OTHERS else 2_049)


KEY = b"a key that nobody else has"
GUARDS = {
    "redact": (lambda: TextGuard(str.upper, None, None), 256),
    "a user who is known": (lambda: TextGuard(None, KEY, pseudonym("user-1", KEY)), 820),
    "a user who is known by the pseudonym alone": (lambda: TextGuard(None, KEY, "A" * 26), 196),
}


@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize("guard", GUARDS)
def test_of_what_passes_a_guard_fewer_are_looked_at(guard, kind):
    """Each text is redacted, or looked through for the user's id: that many take as long as 2,048 that are not."""
    make, most = GUARDS[guard]
    items = Watched(map(kind, range(100_000)))
    text, _ = captured(items, make())
    assert len(text.encode()) <= MAX_BYTES
    assert most // 2 < items.taken <= most + 1


def test_a_short_text_that_comes_again_passes_once():
    """Keys and roles of a history cost as much as one message's, so that all of it is recorded."""
    asked = Counter()

    def redact(text):
        asked[text] += 1
        return text

    history = [{"role": "user", "content": f"message {number}"} for number in range(100)]
    text, _ = captured(history, TextGuard(redact, None, None))
    assert json.loads(text) == history
    assert set(asked.values()) == {1}


class Own(Mapping):
    """A mapping of the application's own, that counts how often it is asked for a value."""

    asked = 0

    def __getitem__(self, key):
        self.asked += 1
        return 0

    def __iter__(self):
        return iter(range(10**9))

    def __len__(self):
        return 10**9


EXACT = {
    "digits": (Decimal("1" * 1_000_000), '["<Decimal>"]'),
    "few digits": (Decimal("1.50"), '["1.50"]'),
    "a path of many parts": (PurePosixPath(*["a"] * 1_000_000), '["<PurePosixPath>"]'),
    "a long path": (PurePosixPath("a/" * 1_000_000), '["<PurePosixPath>"]'),
    "a path": (PurePosixPath("/tmp") / "a", '["/tmp/a"]'),
    "deep": (chain(lambda inner: [inner]), "[" * 12 + f'"{CUT}"' + "]" * 12),
    "circle": (circle(), f'[{{"self": ["{CUT}", {{"other": {{"other": "{CUT}"}}}}]}}]'),
    "large number": (2**300, '["<int>"]'),
    "maps of a chain": (ChainMap({"a": 1}, {"b": 2}), '[{"maps": [{"a": 1}, {"b": 2}]}]'),
}


@pytest.mark.parametrize("shape", EXACT)
def test_what_stands_for_what_is_left_out(shape):
    """Depths beyond twelve and circles are cut; numbers of a million digits and endless paths are their type's name."""
    value, expected = EXACT[shape]
    assert captured([value])[0] == expected


@pytest.mark.parametrize("letter", ["x", "漢", "\ud800"])
def test_an_attribute_of_update_is_cut(letter):
    """A text of 5 MB that `update()` is given under a name of its own is cut at 16 KiB, and marked."""
    with recording() as recorder:
        with langwatch.span(name="f") as span:
            span.update(note=letter * 5_000_000, notes=[letter * 5_000_000])
        found = recorder.by_name["f"]
    for key in ("note", "notes"):
        assert len(found[key].encode()) <= MAX_BYTES
        assert CUT in found[key][-20:]


def test_so_many_pairs_are_looked_at():
    """A mapping of the application's own is asked for as many values as are recorded, and one more."""
    given = Own()
    text, _ = captured({"given": given})
    assert given.asked == len(json.loads(text)["given"]) < 800


def test_no_code_of_an_unknown_object_runs():
    """Of an unknown object its class alone is asked for: neither `repr` nor `str`, `iter`, `hash` nor any attribute."""
    asked = Counter()

    class Unknown:
        def __getattribute__(self, name):
            asked[name] += 1
            return object.__getattribute__(self, name)

    for name in ("repr", "str", "iter", "len", "hash", "eq", "bool", "float", "int", "index", "format", "sizeof"):
        setattr(Unknown, f"__{name}__", lambda *_, name=name: asked.update([name]) or 1)
    assert captured([Unknown(), {"key": Unknown()}]) == ('["<Unknown>", {"key": "<Unknown>"}]', "application/json")
    with recording() as recorder, recorder.tracer.start_as_current_span("request"):
        langwatch.set_conversation("t", metadata={"unknown": Unknown()})
    assert asked.keys() <= {"__class__"}


class Loud(str):
    """A text that runs code of its own."""

    def asked(self, *_):
        raise AssertionError

    __len__ = __getitem__ = __iter__ = __str__ = isascii = encode = asked


def test_no_code_of_a_class_made_from_text_runs():
    """A text of the application's own class is recorded as it is, and a key of a mapping too."""
    assert captured(Loud("é")) == ("é", "text/plain")
    assert captured({Loud("key"): [Loud("é")]}) == ('{"key": ["é"]}', "application/json")


@pytest.mark.parametrize("shape", LARGE)
def test_metadata_costs_little_however_large(shape):
    """Metadata of 10 MB costs some milliseconds, and never stands on a span as it is."""
    took = []
    with recording() as recorder:
        for _ in range(5):
            with recorder.tracer.start_as_current_span("request"):
                began = time.perf_counter()
                langwatch.set_conversation("t", metadata={"large": LARGE[shape], "small": 1})
                took.append(time.perf_counter() - began)
            found = recorder.by_name["request"]
        found.pop("langwatch.metadata.large", None)
    assert found == {"session.id": "t", "langwatch.metadata.small": 1}
    assert min(took) < 0.5


def test_metadata_has_bounds():
    """Of metadata 16 keys of 1 KiB go on every span, 64 of 16 KiB on the local root, no more."""
    metadata = {f"k{number:02}": number for number in range(70)}
    metadata["k00"], metadata["k01"], metadata["k02"] = "x" * 1024, "x" * 1025, "x" * (16 * 1024 + 1)
    with recording() as recorder, recorder.tracer.start_as_current_span("root"):
        langwatch.set_conversation(metadata=metadata)
        recorder.tracer.start_span("inside").end()
    everywhere = [f"langwatch.metadata.k{number:02}" for number in range(16) if number not in (1, 2)]
    root = [f"langwatch.metadata.k{number:02}" for number in range(64) if number != 2]
    assert {name: sorted(found) for name, found in recorder.by_name.items()} == {
        "inside": everywhere,
        "root": root,
    }


@pytest.mark.parametrize("adopt", [True, False])
def test_metadata_for_a_root_of_another_conversation_is_counted(adopt, said):
    """Inside of another conversation's root the first 16 keys are written, and the log says that the rest is not."""
    with recording() as recorder, recorder.tracer.start_as_current_span("root"):
        if adopt:
            langwatch.set_conversation("one")
        with langwatch.conversation(
            thread_id="two", adopt=adopt, metadata={f"k{number:02}": number for number in range(17)}
        ):
            recorder.tracer.start_span("inside").end()
    assert {name: len([key for key in found if "metadata" in key]) for name, found in recorder.by_name.items()} == {
        "inside": 16,
        "root": 0,
    }
    assert said()[-1:] == [
        "metadata for the local root is left out: that is of another conversation, or was named before"
    ]


def test_metadata_for_the_root_is_not_said_to_be_left_out(said):
    """Where the root takes it nothing is said."""
    metadata = {f"k{number:02}": number for number in range(17)}
    with recording() as recorder:
        with recorder.tracer.start_as_current_span("root"), langwatch.conversation(thread_id="t", metadata=metadata):
            recorder.tracer.start_span("inside").end()
        with langwatch.trace(name="alone", thread_id="t", metadata=metadata):
            pass
        found = recorder.by_name
    assert {name: len([key for key in found[name] if "metadata" in key]) for name in found} == {
        "alone": 17,
        "inside": 16,
        "root": 17,
    }
    assert said() == []


def test_metadata_keeps_its_types():
    """Scalars and arrays of one kind stay what they are; everything else is JSON."""
    kept = {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": "x",
        "e": (1, 2),
        "f": ("x", "y"),
        "g": (1.5, 2.0),
        "h": (True,),
    }
    changed = {"i": [1, "x"], "j": {"x": [1]}, "k": 2**63, "l": [2**63], "m": None}
    expected = {**kept, "i": '[1, "x"]', "j": '{"x": [1]}', "k": str(2**63), "l": f"[{2**63}]"}
    with recording() as recorder, recorder.tracer.start_as_current_span("root"):
        langwatch.set_conversation(metadata={**kept, **changed})
    assert recorder.by_name["root"] == {f"langwatch.metadata.{key}": value for key, value in expected.items()}


@pytest.mark.parametrize("value", ["é" * 10_000, ["x" * 9000, "y" * 9000]], ids=["text", "texts"])
def test_an_attribute_of_update_is_bounded_too(value):
    """A name that `update()` makes an attribute of holds at most 16 KiB, and is marked where it was cut."""
    with recording() as recorder:
        with langwatch.trace(name="turn"):
            langwatch.get_current_span().update(note=value, small=["a", "b"], number=1)
        found = recorder.by_name["turn"]
    assert (len(found["note"].encode()) <= MAX_BYTES, CUT in found["note"]) == (True, True)
    assert (found["small"], found["number"]) == (("a", "b"), 1)
