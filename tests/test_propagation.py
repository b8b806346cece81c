"""The border, on the way out: which call carries ids, and in which header."""

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import langwatch_otel as langwatch
from _wire import INSIDE, OUTSIDE, border, sent, stock
from langwatch_otel import LangWatchInstrumentor, outbound, propagation
from langwatch_otel.propagation import ConversationPropagator, allows, strip

IDS = "session.id=t,user.id=u"


@pytest.fixture
def recorder():
    """The border over the stock propagator."""
    with border() as recorder:
        yield recorder


@pytest.fixture
def named():
    """A conversation around the test."""
    with langwatch.conversation(thread_id="t", user_id="u"):
        yield


WHERE = [
    (SpanKind.CLIENT, {"url": INSIDE}, IDS),
    (SpanKind.CLIENT, {"url": OUTSIDE}, None),
    (SpanKind.CLIENT, {"url": None}, None),
    (SpanKind.CLIENT, {"url": None, "rpc.system": "grpc", "rpc.service": "orders"}, None),
    (SpanKind.CLIENT, {"url": None, "server.address": "orders.internal", "server.port": 80}, IDS),
    (SpanKind.CLIENT, {"url": None, "http.url": INSIDE}, IDS),
    (SpanKind.CLIENT, {"url": None, "net.peer.name": "api.example.com"}, None),
    (SpanKind.CLIENT, {"url": INSIDE, "server.address": "api.example.com"}, None),
    (SpanKind.CLIENT, {"url": OUTSIDE, "server.address": "localhost"}, None),
    (SpanKind.CLIENT, {"url": "http://localhost@api.example.com/"}, None),
    (SpanKind.SERVER, {"url": INSIDE, "server.address": "localhost"}, None),
    (SpanKind.INTERNAL, {"url": INSIDE}, None),
    (SpanKind.CONSUMER, {"url": INSIDE}, None),
    (SpanKind.PRODUCER, {"url": None}, IDS),
    (SpanKind.PRODUCER, {"url": None, "server.address": "queue.internal"}, IDS),
    (SpanKind.PRODUCER, {"url": None, "server.address": "sns.eu-west-1.amazonaws.com"}, None),
    (SpanKind.PRODUCER, {"url": None, "messaging.url": '["one:9092", "two.internal:9092"]'}, IDS),
    (SpanKind.PRODUCER, {"url": None, "messaging.url": '["one:9092", "broker.example.com:9092"]'}, None),
    (SpanKind.PRODUCER, {"url": None, "server.address": '["one:9092", "two.internal:9092"]'}, IDS),
    (SpanKind.PRODUCER, {"url": None, "server.address": '["one:9092", "broker.example.com:9092"]'}, None),
    (SpanKind.PRODUCER, {"url": None, "server.address": '"10.0.0.7:9092"'}, IDS),
    (SpanKind.PRODUCER, {"url": None, "server.address": '""'}, None),
    (SpanKind.CLIENT, {"url": None, "server.address": '"broker.example.com"'}, None),
    (SpanKind.CLIENT, {"url": None, "server.address": "[::1]", "server.port": 80}, IDS),
]


@pytest.mark.parametrize(("kind", "attributes", "expected"), WHERE)
def test_the_span_of_the_call_says_where_it_goes(recorder, named, kind, attributes, expected):
    """Ids go out under a client's span that names hosts inside only, and under a producer's that names none."""
    assert sent(recorder, kind=kind, **attributes) == expected


def test_nothing_goes_out_of_an_unsampled_request():
    """Where no span records, nobody knows the host."""
    with border(sampler=ALWAYS_OFF) as recorder, langwatch.conversation(thread_id="t"):
        assert sent(recorder) is None


def test_nothing_goes_out_outside_any_span(recorder, named):
    """Without a span nobody knows the host."""
    carrier = {}
    propagate.inject(carrier)
    assert carrier == {}


HOSTS = [
    ("api.example.com", IDS),
    (["*.example.com"], IDS),
    ("other.example.com", None),
    ("*", IDS),
    ("10.0.0.0/8,api.example.com:443", IDS),
]


@pytest.mark.parametrize(("hosts", "expected"), HOSTS)
def test_outbound_hosts_adds_destinations(hosts, expected):
    """The setting adds hosts to those that are inside anyway."""
    with border(outbound_hosts=hosts) as recorder, langwatch.conversation(thread_id="t", user_id="u"):
        assert (sent(recorder, OUTSIDE), sent(recorder, INSIDE)) == (expected, IDS)


def test_outbound_hosts_none_lets_nothing_out():
    """With `none` not even a neighbour or a queue gets ids."""
    with border(outbound_hosts="none") as recorder, langwatch.conversation(thread_id="t"):
        assert (sent(recorder), sent(recorder, None, SpanKind.PRODUCER)) == (None, None)


@pytest.mark.parametrize("url", [INSIDE, OUTSIDE])
def test_what_the_application_puts_into_baggage_is_its_own(recorder, named, url):
    """Other entries go everywhere, and so does the application's own value under our key, which hides ours."""
    token = attach(baggage.set_baggage("session.id", "mine", baggage.set_baggage("plan", "pro x")))
    header = sent(recorder, url)
    detach(token)
    assert header == "plan=pro+x,session.id=mine" + (",user.id=u" if url == INSIDE else "")


def test_ids_copied_from_one_context_to_another_are_ours_still(recorder, named):
    """A library that copies baggage entry by entry does not make them the application's own."""
    copied = Context()
    for key, value in baggage.get_all().items():
        copied = baggage.set_baggage(key, value, copied)
    token = attach(copied)
    header = sent(recorder, OUTSIDE)
    detach(token)
    assert (baggage.get_all(copied), header) == ({"session.id": "t", "user.id": "u"}, None)


def test_the_trace_context_goes_everywhere(recorder, named):
    """A stranger gets `traceparent`, as without us."""
    carrier = {}
    sent(recorder, OUTSIDE, carrier=carrier)
    assert list(carrier) == ["traceparent"]


class Multi(dict):
    """Headers with several values for a name, as some clients have them."""

    def getall(self, name):
        return list(dict.__getitem__(self, name))


OLD = "session.id=old,plan=pro,user%2Eid=old;p=1"
CARRIERS = [
    ({"baggage": OLD}, {"baggage": "plan=pro"}),
    ({"Baggage": OLD, "x": "session.id=y"}, {"Baggage": "plan=pro", "x": "session.id=y"}),
    ({"baggage": "session.id=old"}, {}),
    ({"baggage": [OLD, "session.id=old"]}, {"baggage": ["plan=pro"]}),
    ({b"baggage": OLD.encode()}, {b"baggage": b"plan=pro"}),
    (
        {"baggage": {"StringValue": OLD, "DataType": "String"}},
        {"baggage": {"StringValue": "plan=pro", "DataType": "String"}},
    ),
    ({"baggage": {"StringValue": "user.id=old", "DataType": "String"}}, {}),
    ([("x", "1"), ("baggage", OLD)], [("x", "1"), ("baggage", "plan=pro")]),
    ([("baggage", b"user.id=old"), ("baggage", OLD.encode())], [("baggage", b"plan=pro")]),
    ([["Baggage", OLD], "odd", ("one",)], [["Baggage", "plan=pro"], "odd", ("one",)]),
    (Multi(baggage=[OLD, "a=1"]), {"baggage": "plan=pro,a=1"}),
    ({"baggage": "plan=pro , a=1"}, {"baggage": "plan=pro , a=1"}),
    ({"baggage": 5, "x": None}, {"baggage": 5, "x": None}),
    ((("baggage", OLD),), (("baggage", OLD),)),
]


@pytest.mark.parametrize(("carrier", "expected"), CARRIERS)
def test_strip_takes_ids_off_any_carrier(recorder, carrier, expected):
    """Mappings, lists of pairs, message attributes and several values lose our entries, and keep all others."""
    strip(carrier)
    assert carrier == expected


def test_a_carrier_that_is_used_again_loses_what_it_had(recorder, named):
    """Headers that went inside carry nothing to a stranger, and each id once when they go inside again."""
    carrier = {}
    found = [sent(recorder, url, carrier=carrier) for url in (INSIDE, OUTSIDE, INSIDE, INSIDE)]
    assert found == [IDS, None, IDS, IDS]


def test_a_header_that_was_written_by_hand_keeps_its_entries(recorder, named):
    """Ours are put after entries that the application wrote into the header itself."""
    assert sent(recorder, carrier={"baggage": "plan=pro"}) == "plan=pro," + IDS


VALUES = {"a b+c": "a%20b%2Bc", "ü/=,;%": "%C3%BC%2F%3D%2C%3B%25", "~._-": "~._-"}


@pytest.mark.parametrize("value", VALUES)
def test_values_are_percent_encoded(recorder, value):
    """Every other language reads back what was said."""
    with langwatch.conversation(thread_id=value):
        assert sent(recorder) == f"session.id={VALUES[value]}"


def test_an_entry_has_at_most_4096_bytes():
    """A long id of wide characters is cut, the same each time, and never like another that begins the same."""
    with border(max_id_length=1024) as recorder:
        found = []
        for last in "aab":
            with langwatch.conversation(thread_id="\U0001f600" * 1023 + last):
                found.append(sent(recorder))
    assert (found[0] == found[1], found[0] != found[2]) == (True, True)
    assert 3900 < len(found[0]) <= 4096


def test_where_other_baggage_leaves_no_room_ours_stays_out(recorder, said):
    """8,192 bytes are the limit of a header; what is ours is left out, and logged once."""
    token = attach(baggage.set_baggage("b", "x" * 4093, baggage.set_baggage("a", "x" * 4082)))
    with langwatch.conversation(thread_id="t", user_id="a longer one"):
        header = sent(recorder)
    detach(token)
    assert header == f"a={'x' * 4082},b={'x' * 4093}"
    assert (len(header), said()) == (
        8180,
        ["other baggage leaves no room for the ids of the conversation: they stay out"],
    )


def test_by_hand_the_host_is_given(recorder, named):
    """`langwatch.inject` writes for a client without instrumentation, into a mapping or a list of pairs."""
    hosts = (
        "api.internal",
        "api.internal:80",
        "http://api.internal/x",
        "api.example.com",
        "https://api.example.com",
        "a b",
    )
    found = []
    for host in hosts:
        headers = {}
        langwatch.inject(headers, host=host)
        found.append(headers)
    metadata = [("x", "1")]
    langwatch.inject(metadata, host="localhost")
    langwatch.inject(metadata, host="localhost")
    langwatch.inject(None, host="localhost")
    assert found == [{"baggage": IDS}] * 3 + [{}] * 3
    assert metadata == [("x", "1"), ("baggage", IDS)]


def test_by_hand_without_the_border_nothing_of_ours_is_written():
    """`langwatch.inject` does what OpenTelemetry's does where the plugin is off."""
    token = attach(baggage.set_baggage("plan", "pro", Context()))
    headers = {}
    with langwatch.conversation(thread_id="t"):
        langwatch.inject(headers, host="localhost")
    detach(token)
    assert headers == {"baggage": "plan=pro"}


def test_allows_answers_for_the_setting():
    """Hooks of HTTP clients ask the rule that is in force."""
    with border(outbound_hosts="api.example.com"):
        assert (allows("api.example.com", 443), allows("b.example.com"), allows("localhost", 1)) == (True, False, True)
    assert (allows("api.example.com"), allows(None)) == (False, False)


def test_off_the_old_propagator_is_back():
    """`uninstrument()` puts the global propagator back, and a propagator that was kept does nothing of ours."""
    before = propagate.get_global_textmap()
    with border() as recorder, langwatch.conversation(thread_id="t"):
        ours = propagate.get_global_textmap()
        assert isinstance(ours, ConversationPropagator)
        old = ours.wrapped
        LangWatchInstrumentor().uninstrument()
        assert propagate.get_global_textmap() is old
        carrier = {}
        ours.inject(carrier)
        assert (sent(recorder), carrier, baggage.get_all()) == (None, {}, {})
        assert baggage.get_all(ours.extract({"baggage": "session.id=x"}, Context())) == {"session.id": "x"}
    assert propagate.get_global_textmap() is before


def test_off_a_propagator_on_top_of_ours_stays():
    """What somebody put around ours is left alone; ours below it does nothing, and on again there is one border."""
    with border() as recorder, langwatch.conversation(thread_id="t"):
        ours = propagate.get_global_textmap()
        LangWatchInstrumentor().uninstrument()
        around = CompositePropagator([ours])
        propagate.set_global_textmap(around)
        LangWatchInstrumentor().instrument(tracer_provider=recorder.provider, flush_on_shutdown=False)
        assert sent(recorder) == "session.id=t"
        propagate.set_global_textmap(CompositePropagator([propagate.get_global_textmap()]))
        assert sent(recorder) == "session.id=t"
        theirs = CompositePropagator([propagate.get_global_textmap()])
        propagate._HTTP_TEXT_FORMAT = theirs
        LangWatchInstrumentor().uninstrument()
        assert propagate.get_global_textmap() is theirs


def test_a_propagator_that_is_set_later_is_bordered_too(recorder):
    """Set through the module, or by a function that was imported before us."""
    propagate.set_global_textmap(stock())
    with langwatch.conversation(thread_id="t"):
        assert (sent(recorder), sent(recorder, OUTSIDE)) == ("session.id=t", None)
    propagate._HTTP_TEXT_FORMAT = stock()
    with langwatch.conversation(thread_id="t"):
        assert (sent(recorder), sent(recorder, OUTSIDE)) == ("session.id=t", None)


def test_without_baggage_there_is_no_border():
    """Where the global propagator does not speak baggage nothing is wrapped, and nothing shown in the process."""
    with border(TraceContextTextMapPropagator()) as recorder, langwatch.conversation(thread_id="t"):
        assert not isinstance(propagate.get_global_textmap(), ConversationPropagator)
        assert (sent(recorder), baggage.get_all()) == (None, {})


def test_a_propagator_that_is_replaced_behind_our_back_is_sent_nothing(recorder, named):
    """Baggage that was made before shows no ids to a propagator that has no border."""
    propagate._HTTP_TEXT_FORMAT = TraceContextTextMapPropagator()
    assert dict(baggage.get_all()) == {}


def test_the_baggage_of_the_context_knows_a_late_name(recorder):
    """`baggage.get_baggage` gives the ids wherever the scope is in the context, named early or late, until removed."""
    with langwatch.conversation():
        context = get_current()
        assert baggage.get_all(context) == {}
        langwatch.set_conversation(thread_id="late", user_id="u")
        assert dict(baggage.get_all(context)) == {"session.id": "late", "user.id": "u"}
        added = baggage.set_baggage("plan", "pro", context)
        assert dict(baggage.get_all(added)) == {"plan": "pro", "session.id": "late", "user.id": "u"}
        removed = baggage.remove_baggage("session.id", added)
        assert dict(baggage.get_all(removed)) == {"plan": "pro", "user.id": "u"}
        assert dict(baggage.get_all(baggage.set_baggage("session.id", "x", removed))) == {
            "plan": "pro",
            "session.id": "x",
            "user.id": "u",
        }
    with recorder.tracer.start_as_current_span("root"):
        langwatch.set_conversation(thread_id="on a span")
        assert baggage.get_baggage("session.id") == "on a span"
    assert baggage.get_all() == {}


def test_the_baggage_of_the_context_reads_like_a_dict(recorder, named):
    """Length, membership, iteration, equality, merging and text agree with what is shown."""
    found = baggage.get_all()
    whole = {"session.id": "t", "user.id": "u"}
    assert (len(found), list(found), list(found.values()), found == whole, found != whole) == (
        2,
        [*whole],
        ["t", "u"],
        True,
        False,
    )
    assert ("user.id" in found, found["user.id"], found.get("x", 1), repr(dict(found)), {**found}) == (
        True,
        "u",
        1,
        repr(whole),
        whole,
    )
    assert (found | {"a": 1}, {"a": 1} | found) == ({**whole, "a": 1}, {"a": 1, **whole})


def test_baggage_in_context_can_be_off():
    """Ids go out and come in all the same."""
    with border(baggage_in_context=False) as recorder, langwatch.conversation(thread_id="t"):
        assert (baggage.get_all(), sent(recorder)) == ({}, "session.id=t")


def test_a_second_name_goes_out_from_there_on(recorder):
    """What is sent is what is in force."""
    with langwatch.conversation(thread_id="one"):
        found = [sent(recorder)]
        langwatch.set_conversation(thread_id="two")
        found.append(sent(recorder))
        assert baggage.get_baggage("session.id") == "two"
    assert found == ["session.id=one", "session.id=two"]


def test_a_setter_that_somebody_puts_back_is_wrapped_again():
    """Where another library puts the API's setter back as it was before us, the next instrument() still hears of it."""
    before = propagate.set_global_textmap
    with border():
        propagate.set_global_textmap = before
        LangWatchInstrumentor().instrument(flush_on_shutdown=False)
        assert propagate.set_global_textmap is not before
    assert propagate.set_global_textmap is before


def test_what_was_written_by_hand_is_the_running_conversations(recorder):
    """Under a span that names no host a header that was written for one is written again; one for a stranger goes."""
    headers = {}
    with langwatch.conversation(thread_id="a"):
        langwatch.inject(headers, host="orders.internal")
    for thread, attributes, expected in (
        ("b", {}, "session.id=b"),
        ("b", {"server.address": "api.example.com"}, None),
        (None, {}, None),
    ):
        carrier = headers.copy()
        with langwatch.conversation(thread_id=thread):
            assert sent(recorder, None, carrier=carrier, **attributes) == expected


def test_where_looking_at_a_span_fails_nothing_goes_out(recorder, named, monkeypatch, said):
    """A mistake of ours holds ids back."""
    monkeypatch.setattr(outbound, "attributes_of", None)
    assert sent(recorder) is None
    assert ["TypeError" in reason for reason in said()] == [True]


@pytest.mark.parametrize("own", [None, "lang=en"])
def test_where_writing_ids_fails_the_rest_goes_out(recorder, named, monkeypatch, said, own):
    """A mistake of ours in the middle of a client's call costs the ids alone: other baggage is sent."""
    monkeypatch.setattr(propagation, "added", None)
    token = attach(baggage.set_baggage("lang", "en")) if own else attach(get_current())
    try:
        assert sent(recorder) == own
    finally:
        detach(token)
    assert ["TypeError" in reason for reason in said()] == [True]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"url": "http://orders.internal.example.com/"}, None),
        ({"url": None, "server.address": "service.my-us.internal.example.com"}, None),
        ({"url": None, "messaging.url": "one.internal:9092"}, "session.id=t"),
        ({"url": None, "server.address": '["one.internal", "b.example.com"]'}, None),
        ({"url": "http://orders.internal?q=1234567"}, None),
        ({"url": "http://orders.local/and/more"}, "session.id=t"),
        ({"url": None, "server.address": "orders.internal"}, "session.id=t"),
    ],
)
def test_a_host_that_may_have_been_cut_is_none(attributes, expected):
    """Where the SDK cuts attributes, one that ends within its host may have been of another."""
    limits = SpanLimits(max_span_attribute_length=len("http://orders.internal"))
    with border(span_limits=limits) as recorder, langwatch.conversation(thread_id="t"):
        assert sent(recorder, attributes.pop("url"), **attributes) == expected
