"""The border, on the way in: what is believed, and for how long."""

import os
import random
import unicodedata
from urllib.parse import quote, unquote_to_bytes

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, use_span

import langwatch_otel as langwatch
from _wire import PARENT, border, sent
from langwatch_otel.inbound import accepted

CAME = "session.id=A,user.id=U,plan=pro"
FUZZED = int(os.environ.get("LANGWATCH_OTEL_FUZZED", "10000"))


def came(header=CAME, **more):
    """The context of a request that came in with that header."""
    return propagate.extract({"traceparent": PARENT, "baggage": header, **more})


def request(recorder, header=CAME, kind=SpanKind.SERVER):
    """A server span of that request, current for a block."""
    context = came(header)
    attributes = {"http.request.method": "GET"} if kind is SpanKind.SERVER else {}
    span = recorder.tracer.start_span("server", context, kind=kind, attributes=attributes)
    return use_span(span, end_on_exit=True)


def ids(recorder):
    """{name: (session.id, user.id)} of the spans that ended."""
    return {name: (found.get("session.id"), found.get("user.id")) for name, found in recorder.by_name.items()}


@pytest.fixture
def recorder():
    """The border over the stock propagator."""
    with border() as recorder:
        yield recorder


@pytest.mark.parametrize("kind", [SpanKind.SERVER, SpanKind.CONSUMER])
def test_who_came_in_is_on_every_span(recorder, kind):
    """The request's own span has the ids from its start, and so has what is below; they go on to the next service."""
    with request(recorder, kind=kind):
        assert langwatch.get_conversation()[:2] == ("A", "U")
        assert dict(baggage.get_all(came())) == {"plan": "pro", "session.id": "A", "user.id": "U"}
        assert sent(recorder) == "session.id=A,user.id=U"
        assert sent(recorder, "https://example.com") is None
    assert ids(recorder) == {"server": ("A", "U"), "call": ("A", "U")}


def by_set(thread):
    langwatch.set_conversation(thread_id=thread)


def by_update(thread):
    langwatch.get_current_trace().update(metadata={"thread_id": thread})


def by_trace(thread):
    langwatch.trace(thread_id=thread, name="turn")(lambda: None)()


def by_trace_late(thread):
    langwatch.trace(name="turn")(lambda: by_set(thread))()


def by_block(thread):
    with langwatch.conversation(thread_id=thread):
        pass


WORDS = [by_set, by_update, by_trace, by_trace_late, by_block]


@pytest.mark.parametrize("word", WORDS)
def test_the_applications_word_takes_its_place(recorder, word):
    """The first name replaces what came in, on the server span and others that are open; what was not named stays."""
    with request(recorder), recorder.tracer.start_as_current_span("around"):
        word("B")
        with recorder.tracer.start_as_current_span("after"):
            assert langwatch.get_conversation()[:2] == ("B", "U")
    found = ids(recorder)
    found.pop("turn", None)
    assert found == dict.fromkeys(("server", "around", "after"), ("B", "U"))


@pytest.mark.parametrize("word", WORDS)
def test_said_again_it_is_the_applications_word(recorder, word, said):
    """A name that came in and is confirmed is final from then on."""
    with request(recorder):
        word("A")
        by_set("C")
        with recorder.tracer.start_as_current_span("after"):
            pass
    found = ids(recorder)
    assert (found["server"], found["after"]) == (("A", "U"), ("C", "U"))


def test_the_second_word_does_not_take_the_first_ones_place(recorder):
    """Ids are final once the application has spoken."""
    with request(recorder):
        by_block("B")
        by_block("C")
    assert ids(recorder) == {"server": ("B", "U")}


def test_a_block_that_adopts_nothing_leaves_the_request_what_came_in(recorder):
    """`adopt=False` is about spans above, whoever named them."""
    with request(recorder):
        with langwatch.conversation(thread_id="B", adopt=False):
            recorder.tracer.start_span("inside").end()
        recorder.tracer.start_span("after").end()
    assert ids(recorder) == {"server": ("A", "U"), "inside": ("B", "U"), "after": ("A", "U")}


def test_a_user_is_replaced_alone(recorder):
    """Each id gives way by itself."""
    with request(recorder):
        langwatch.set_conversation(user_id="V")
        assert langwatch.get_conversation()[:2] == ("A", "V")
        by_set("B")
    assert ids(recorder) == {"server": ("B", "V")}


def test_a_user_is_replaced_by_a_block_too(recorder):
    """A block's word about the user reaches the server span, whose thread is still what came in."""
    with request(recorder), langwatch.conversation(user_id="V"):
        assert langwatch.get_conversation()[:2] == ("A", "V")
    assert ids(recorder) == {"server": ("A", "V")}


def test_what_the_creator_of_a_span_set_stays(recorder):
    """An attribute that is already there is nobody's to replace."""
    span = recorder.tracer.start_span("server", came(), kind=SpanKind.SERVER, attributes={"session.id": "own"})
    with use_span(span, end_on_exit=True):
        by_set("B")
    assert ids(recorder) == {"server": ("own", "U")}


def test_at_export_the_word_takes_its_place_too():
    """A span that ended with what came in goes out with what the application said."""
    with border(late=True) as recorder:
        with request(recorder):
            with recorder.tracer.start_as_current_span("before"):
                pass
            by_set("B")
        assert ids(recorder) == {"server": ("B", "U"), "before": ("B", "U")}


def test_an_unsampled_request_has_its_name_too():
    """Where no span records, who came in is still in force."""
    with border(sampler=ALWAYS_OFF) as recorder:
        token = attach(came())
        with use_span(recorder.tracer.start_span("server", kind=SpanKind.SERVER)):
            assert langwatch.get_conversation()[:2] == ("A", "U")
            by_set("B")
            assert langwatch.get_conversation()[:2] == ("B", "U")
        detach(token)


def test_ignored_nothing_is_believed():
    """`inbound=ignore` drops both ids, and hands neither on; other entries stay."""
    with border(inbound="ignore") as recorder:
        with request(recorder):
            assert (sent(recorder), dict(baggage.get_all(came()))) == (None, {"plan": "pro"})
        assert ids(recorder) == {"server": (None, None), "call": (None, None)}


@pytest.mark.parametrize(("inbound", "header"), [("ignore", CAME), ("accept", "session.id=%00,plan=pro")])
def test_what_is_not_believed_is_not_in_the_baggage(inbound, header):
    """Ids that are ignored or refused are gone from the context's baggage, whether ours is shown there or not."""
    for shown in (True, False):
        with border(inbound=inbound, baggage_in_context=shown):
            assert dict(baggage.get_all(came(header))) == {"plan": "pro"}


def test_the_applications_own_baggage_is_not_inbound(recorder):
    """Only what came over the wire counts; what the application put into its baggage names nothing, and stays."""
    own = baggage.set_baggage("session.id", "own", Context())
    context = propagate.extract({"baggage": "user.id=U"}, own)
    assert dict(baggage.get_all(context)) == {"session.id": "own", "user.id": "U"}
    span = recorder.tracer.start_span("server", context)
    span.end()
    assert ids(recorder) == {"server": (None, "U")}


HEADERS = {
    "session.id=a%20b": "a b",
    "session.id=a+b@x.org": "a+b@x.org",
    "session.id=%C3%BC": "ü",
    "session.id=A;secret=1;x": "A",
    " session.id = A ; p=1 , x=1": "A",
    "session.id=A,session.id=B": "B",
    "session%2Eid=A": "A",
    "session.id=" + "x" * 1024: "x" * 187 + "~",
    "session.id=": None,
    "session.id=%20": None,
    "session.id": None,
    "Session.Id=A": None,
    "thread_id=A": None,
    "session.id=%00": None,
    "session.id=%0A": None,
    "session.id=a%0Ab": None,
    "session.id=%E2%80%AE": None,
    "session.id=%E2%80%A8x": "x",
    "session.id=a%E2%80%A8x": None,
    "session.id=%FF": None,
    "session.id=%ED%A0%80": None,
    "session.id=%4": None,
    "session.id=%zz": None,
    'session.id="A"': None,
    "session.id=a b": None,
    "session.id=a\\b": None,
    "session.id=ü": None,
    "session.id=" + "x" * 1025: None,
    "session.id=A," + "x=" + "y" * 8192: None,
}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.filterwarnings("ignore")
def test_a_value_is_believed_or_refused(recorder, header):
    """Percent-encoded UTF-8 of 1 to 1,024 ordinary characters; properties are cut off, long ids as everywhere."""
    with request(recorder, header):
        found = langwatch.get_conversation().thread_id
    expected = HEADERS[header]
    assert found == expected or (expected[-1] == "~" and found[:-12] == expected)


def test_a_refused_value_is_logged_once_without_it(recorder, said):
    """The reason is said, the value is not, and nothing of it is handed on."""
    for _ in range(3):
        context = came("session.id=se%00cret,plan=pro")
    assert dict(baggage.get_all(context)) == {"plan": "pro"}
    assert said() == ["an inbound session.id was refused: it is too long, or not made of characters that an id has"]


def test_several_headers_are_read(recorder):
    """A request may have its baggage in several headers."""
    context = propagate.extract({"baggage": ["plan=pro", "session.id=A"]})
    recorder.tracer.start_span("server", context).end()
    assert ids(recorder) == {"server": ("A", None)}


def believed(raw):
    """The rule again, by bytes: what an id that may come in is."""
    if not raw or any(not 0x21 <= ord(each) <= 0x7E or each in '",;\\' for each in raw):
        return None
    for part in raw.split("%")[1:]:
        if len(part) < 2 or any(each not in "0123456789abcdefABCDEF" for each in part[:2]):
            return None
    try:
        value = unquote_to_bytes(raw).decode().strip()
    except UnicodeDecodeError:
        return None
    bad = [each for each in value if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")]
    bad += [each for each in value if 0x202A <= ord(each) <= 0x202E or 0x2066 <= ord(each) <= 0x2069]
    return value if 1 <= len(value) <= 1024 and not bad else None


def a_value(rng):
    """A random raw value: now and then a good one."""
    kind = rng.random()
    length = rng.choice([0, 1, 3, 12, 40, 1023, 1024, 1025]) if rng.random() < 0.02 else rng.randint(0, 20)
    if kind < 0.3:
        return "".join(rng.choice("abcXYZ019-._~:@+/=!%") for _ in range(length))
    if kind < 0.6:
        return quote(
            "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xD800), 0x202E, 0])) for _ in range(length)),
            safe="",
        )
    if kind < 0.8:
        return "".join(f"%{rng.randrange(256):02x}" for _ in range(length))
    return "".join(chr(rng.randrange(rng.choice([128, 256, 0xD800]))) for _ in range(length))


def test_no_value_is_accepted_that_the_rule_refuses():
    """Random values, encoded well or badly: no error, and the same answer as a rule of bytes gives."""
    rng = random.Random(21)
    seen = 0
    for _ in range(FUZZED):
        raw = a_value(rng)
        found = accepted(raw)
        assert found == believed(raw), raw
        seen += found is not None
    assert FUZZED // 10 < seen < FUZZED


@pytest.mark.filterwarnings("ignore")
def test_no_header_raises(recorder):
    """Random headers leave a context whose baggage has nothing under our keys but what was believed."""
    rng = random.Random(22)
    for _ in range(FUZZED // 10):
        parts = [
            rng.choice(["session.id", "user.id", "plan", "", "=", "session%2eid"])
            + rng.choice(["=", "", " = "])
            + a_value(rng)
            for _ in range(3)
        ]
        context = propagate.extract({"baggage": rng.choice([",", ";", " , "]).join(parts)})
        for key in ("session.id", "user.id"):
            value = baggage.get_baggage(key, context)
            assert value is None or believed(quote(value, safe="")) == value or "~" in value


KEY = "a secret of 16 bytes or more"


def test_where_users_are_hashed_a_raw_id_that_comes_in_is_hashed_and_a_pseudonym_is_kept():
    """What another service sends of a user is a pseudonym on our spans, whether it has the key or not."""
    with border(user_id_hash_key=KEY) as recorder:
        with langwatch.conversation(user_id="ana"):
            made = str(langwatch.get_conversation().user_id)
        for header in ("user.id=ana", f"user.id={made}"):
            with request(recorder, header):
                pass
        found = [(span.attributes["user.id"], span.attributes["user.hash"]) for span in recorder.spans]
    assert found == [(made, made)] * 2
    assert len(made) == 26
