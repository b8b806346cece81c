"""What the plugin counts, as a meter provider of the SDK reads it."""

import itertools
import json
import subprocess
import sys
import threading

import pytest
from fastapi import FastAPI
from opentelemetry import baggage, propagate
from opentelemetry.context import attach, detach
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context
from starlette.testclient import TestClient

import langwatch_otel as langwatch
from _counting import Counted
from _making import NATIVE
from _recorder import NEVER, recording
from _servers import clean_environment
from _wire import INSIDE, OUTSIDE, PARENT, border, sent
from langwatch_otel import ConfigurationError, LangWatchInstrumentor, metrics
from langwatch_otel.counts import Count
from langwatch_otel.propagation import strip

# FastAPI's own spans of a request that nobody names.
THEIRS = NonRecordingSpan(SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(1)))
HEALTH = ("fastapi.dependencies", "fastapi.endpoint", "fastapi.serialization", "GET /health")


@pytest.fixture
def counted():
    """What was counted since the last look, or since the plugin was turned on with this provider."""
    found = Counted()
    yield found
    found.provider.shutdown()


@pytest.fixture
def recorder(counted):
    """The plugin on, with the border, and exporters that name at export."""
    with border(late=True, meter_provider=counted.provider) as recorder:
        counted()
        yield recorder


@pytest.mark.skipif(not NATIVE, reason="not run: this FastAPI makes no spans of its own")
def test_a_day_of_requests(recorder, counted):
    """Every span is counted once, by how it came to its name or that it has none, and everything that was left out."""
    app = FastAPI(telemetry={"tracer_provider": recorder.provider, "metrics": False}, openapi_url=None)

    @app.post("/chat")
    async def chat():
        with recorder.tracer.start_as_current_span("ended"):
            pass
        langwatch.set_conversation(thread_id="long " * 100, user_id=object(), customer_id="c")
        sent(recorder, OUTSIDE)
        sent(recorder, INSIDE)
        langwatch.set_conversation(thread_id="other")
        recorder.tracer.start_span("of the other").end()
        return {}

    @app.get("/health")
    async def health():
        return {}

    client = TestClient(app)
    assert client.post("/chat", headers={"traceparent": PARENT, "baggage": "session.id=%01"}).json() == {}
    assert client.get("/health").json() == {}
    names = {True: [], False: []}
    for span in recorder.spans:
        names["session.id" in span.attributes].append(span.name)
    ended = [name for name in names[True] if name in ("ended", "fastapi.dependencies")]
    assert counted() == {
        "span.stamped": len(names[True]) - len(ended),
        "span.named_at_export": len(ended),
        "span.unnamed": len(names[False]),
        "id.cut thread_id max_id_length": 1,
        "id.refused user_id": 1,
        "baggage.withheld host": 1,
        "baggage.refused thread_id": 1,
        "conversation.second_name": 1,
    }
    assert (ended, names[False]) == (["fastapi.dependencies", "ended"], [*HEALTH])
    assert counted() == {}


def test_how_a_span_came_to_its_name(recorder, counted):
    """Stamped while it was open, named at export, gone out unnamed: of these, each span is one."""
    with recorder.tracer.start_as_current_span("root"):
        recorder.tracer.start_span("ended").end()
        langwatch.set_conversation(thread_id="t", user_id="u")
        recorder.tracer.start_span("child").end()
    recorder.tracer.start_span("nobody's").end()
    assert counted() == {"span.stamped": 2}
    assert len(recorder.spans) == 4
    assert counted() == {"span.named_at_export": 1, "span.unnamed": 1}


def test_a_span_counts_once_however_often_it_is_stamped(recorder, counted):
    """The user first, the thread from below, labels later, each again: one span."""
    with recorder.tracer.start_as_current_span("root"):
        langwatch.set_conversation(user_id="u")
        turn = langwatch.get_current_trace()
        with langwatch.conversation(thread_id="t"):
            pass
        with langwatch.conversation():
            langwatch.set_conversation(thread_id="t", labels=["a"])
        turn.update(thread_id="t", labels=["b"])
    assert counted() == {"span.stamped": 1}


def test_a_span_that_was_given_a_name_counts_once(recorder, counted):
    """A span above that took the name of a scope below, and is named by its own scope after that, is one span."""
    with recorder.tracer.start_as_current_span("above"):
        turn = langwatch.get_current_trace()
        with langwatch.conversation(thread_id="t"):
            pass
        turn.update(thread_id="t", customer_id="c")
    assert recorder.by_name["above"]["langwatch.customer.id"] == "c"
    assert counted() == {"span.stamped": 1}


class Interrupting(SpanProcessor):
    """Does something, once, while our processor looks at a span that starts."""

    def __init__(self, work):
        self.work = work

    def on_start(self, span, parent_context=None):
        if span.name != "interrupted":
            return
        work = iter([self.work])
        theirs = type(span)

        class Span(theirs):
            @property
            def instrumentation_scope(self):
                next(work, lambda: None)()
                return theirs.instrumentation_scope.__get__(self)

        span.__class__ = Span


def test_a_name_that_came_in_and_is_replaced_at_export_was_there_before(recorder, counted):
    """A span that had the caller's thread while it was open is no unnamed one that was named on its way out."""
    context = propagate.extract({"traceparent": PARENT, "baggage": "session.id=theirs,user.id=u"})
    token = attach(context)
    with recorder.tracer.start_as_current_span("server", kind=SpanKind.SERVER):
        recorder.tracer.start_span("early").end()
        langwatch.set_conversation(thread_id="ours")
    detach(token)
    assert {name: found["session.id"] for name, found in recorder.by_name.items()} == {
        "server": "ours",
        "early": "ours",
    }
    assert counted() == {"span.stamped": 2}


def test_a_name_that_comes_while_a_span_starts_counts_once(counted):
    """Whoever stamps it first, the one that starts the span or the one that names, the span is one."""
    with recording(settings={"meter_provider": counted.provider}) as recorder:
        processors = recorder.provider._active_span_processor
        first = Interrupting(lambda: turn.update(thread_id="t", user_id="u"))
        processors._span_processors = (first, *processors._span_processors)
        counted()
        with recorder.tracer.start_as_current_span("root"):
            turn = langwatch.get_current_trace()
            recorder.tracer.start_span("interrupted").end()
        assert counted() == {"span.stamped": 2}
        assert {name: found["session.id"] for name, found in recorder.by_name.items()} == {
            "root": "t",
            "interrupted": "t",
        }


def test_a_span_counts_once_however_many_exporters_get_it(recorder, counted):
    """Two exporters that name at export: the span that they name is one, and so is the one that they cannot."""
    second = InMemorySpanExporter()
    exporter = langwatch.ConversationSpanExporter(second)
    recorder.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=NEVER))
    with recorder.tracer.start_as_current_span("root"):
        recorder.tracer.start_span("ended").end()
        langwatch.set_conversation(thread_id="t", user_id="u")
    recorder.tracer.start_span("nobody's").end()
    assert len(recorder.spans) == len(second.get_finished_spans()) == 3
    assert counted() == {"span.stamped": 1, "span.named_at_export": 1, "span.unnamed": 1}


def test_a_span_that_is_left_out_is_not_unnamed(counted):
    """What `span_exclude_rules` keep at home has not gone out unnamed, its child has; another's thread is a name."""
    settings = {"meter_provider": counted.provider, "span_exclude_rules": "name equals health"}
    with recording(late=True, settings=settings) as recorder:
        counted()
        for name, attributes in {"health": {}, "theirs": {"session.id": "x"}, "nobody's": {}}.items():
            recorder.tracer.start_span(name, attributes=attributes).end()
        with recorder.tracer.start_as_current_span("health"):
            recorder.tracer.start_span("child").end()
        assert recorder.names == ["child", "nobody's", "theirs"]
        assert counted() == {"span.unnamed": 2}


CUT = [
    ({}, {}, {"thread_id": "x" * 300, "user_id": "x" * 300}, ["thread_id max_id_length", "user_id max_id_length"], 2),
    ({"conventions": "langfuse"}, {}, {"thread_id": "y" * 199 + "é"}, ["thread_id vendor"], 1),
    ({}, {"span_limits": SpanLimits(max_attribute_length=60)}, {"customer_id": "c" * 90},
     ["customer_id attribute_length"], 1),
    ({"max_id_length": 1024}, {}, {"user_id": "\U0001f600" * 400}, ["user_id baggage"], 1),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "options", "ids", "cut", "lines"), CUT, ids=[each[3][0] for each in CUT])
def test_an_id_that_is_cut_is_counted_once_and_said_once(counted, caplog, settings, options, ids, cut, lines):
    """Whatever an id is too long for: it is one, on many spans and in many calls, and the log says so without it."""
    with border(meter_provider=counted.provider, **settings, **options) as recorder:
        counted()
        for _ in range(3):
            with langwatch.conversation(**ids):
                sent(recorder, INSIDE)
        found = {name: value for name, value in counted().items() if name.startswith("id.")}
    assert found == {f"id.cut {each}": 1 for each in cut}
    said = [record.getMessage() for record in caplog.records if record.name == "langwatch_otel"]
    assert len(said) == len(set(said)) == lines
    assert not any(id_[:20] in line for line in said for id_ in ids.values())


@pytest.mark.parametrize("field", ["thread_id", "user_id", "customer_id"])
def test_an_id_that_is_refused_is_counted_by_its_field(recorder, counted, field):
    """What is no id is counted, each time; what names nothing is not."""
    for value in (object(), True, 10**5000, None, "", "  "):
        langwatch.set_conversation(**{field: value})
    assert counted() == {f"id.refused {field}": 3}


class Broken(dict):
    """A mapping, or a value, that cannot be read."""

    def items(self):
        raise RuntimeError


MANY = {f"k{number}": number for number in range(70)}
LEFT_OUT = {
    "no list": (lambda: {"labels": 7}, 1, "labels refused: they are a list of strings, got int"),
    "no text": (lambda: {"labels": ["a", 7, None, ""]}, 2, "a label refused: it is a str, got "),
    "a long label": (lambda: {"labels": ["a", "x" * 16_385]}, 1, "a label of more than 16 KiB is left out"),
    "endless": (lambda: {"labels": map(str, itertools.count())}, 1, "labels beyond the first 1,000 are left out"),
    "broken labels": (lambda: {"labels": map(int, "x")}, 1, "langwatch_otel failed while reading labels: ValueError"),
    "no mapping": (lambda: {"metadata": 7}, 1, "metadata refused: it is a mapping, got int"),
    "broken metadata": (lambda: {"metadata": Broken(a=1)}, 1, "langwatch_otel failed while reading metadata: Runtime"),
    "a broken value": (lambda: {"metadata": {"a": Broken(a=1)}}, 1, "langwatch_otel failed while "),
    "many keys": (
        lambda: {"metadata": dict.fromkeys(map(str, range(70)), 1)},
        1,
        "metadata beyond 64 keys is left out",
    ),
    "a large text": (lambda: {"metadata": {"a": "x" * 16_385}}, 1, "a metadata value of more than 16 KiB is left out"),
    "a large value": (lambda: {"metadata": {"a": ("é" * 9000,)}}, 1, "a metadata value of more than 16 KiB is "),
    "a large object": (
        lambda: {"metadata": dict.fromkeys("ab", "x" * 10_000)},
        1,
        "metadata beyond 16 KiB is left out",
    ),
    "a taken key": (lambda: {"metadata": {"session_id": "x"}}, 1, "metadata whose key would be another field's below "),
}
PROTECTED = {"plain": {}, "hashed": {"user_id_hash_key": "k" * 16}, "redacted": {"redact": str}}


@pytest.mark.parametrize("protection", PROTECTED)
@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_is_left_out_is_counted_and_said_once(counted, caplog, what, protection):
    """Labels and metadata that are none, too many or too large: counted each time, and the log says so once."""
    given, number, line = LEFT_OUT[what]
    settings = {"conventions": "openinference,traceloop", "meter_provider": counted.provider, **PROTECTED[protection]}
    with recording(settings=settings) as recorder:
        counted()
        for _ in range(2):
            with langwatch.conversation(user_id="u", **given()):
                recorder.tracer.start_span("span").end()
        found = {name: value for name, value in counted().items() if not name.startswith("span.")}
    [field] = given()
    assert found == {f"field.left_out {field}": 2 * number}
    said = [record.getMessage() for record in caplog.records if record.name == "langwatch_otel"]
    assert [each.startswith(line) for each in said] == [True] * len(set(said))


def test_a_span_without_room_is_counted_and_said_once(counted, caplog):
    """A nearly full span that gets the two ids alone is counted, and one that has room is not."""
    with recording(settings={"meter_provider": counted.provider}) as recorder:
        counted()
        with langwatch.conversation(thread_id="t", customer_id="c"):
            for number in (120, 127, 128):
                recorder.tracer.start_span("span", attributes=dict.fromkeys(map(str, range(number)), 1)).end()
        assert counted() == {"span.stamped": 3, "span.full": 2}
    assert [record.getMessage() for record in caplog.records if record.name == "langwatch_otel"] == [
        "a span has room for little more: of its conversation it gets the thread and the user alone"
    ]


def test_a_user_is_refused_where_the_key_is_wrong(counted):
    """Under auto-instrumentation a key that is too short costs the users' ids, and that is counted."""
    with border(meter_provider=counted.provider, user_id_hash_key="short", skip_dep_check=True):
        counted()
        with langwatch.conversation(user_id="u", thread_id="t"):
            pass
        assert counted() == {"id.refused user_id": 1}


WITHHELD = {
    "host": lambda recorder: sent(recorder, OUTSIDE),
    "unknown": lambda recorder: sent(recorder, None),
    "unknown, an own span": lambda recorder: sent(recorder, INSIDE, kind=SpanKind.INTERNAL),
    "unknown, no span": lambda recorder: propagate.inject({}),
    "unknown, another's span": lambda recorder: propagate.inject({}, set_span_in_context(THEIRS)),
    "host, by hand": lambda recorder: langwatch.inject({}, host="api.example.com"),
    "unknown, by hand": lambda recorder: langwatch.inject({}, host="http://[broken"),
}


@pytest.mark.parametrize("why", WITHHELD)
def test_a_call_that_goes_without_its_ids_is_counted_by_the_reason(recorder, counted, why):
    """A call that is made in a conversation and must not carry it is one; calls outside, and allowed ones, are none."""
    call = WITHHELD[why]
    call(recorder)
    assert {name: value for name, value in counted().items() if name.startswith("baggage")} == {}
    with langwatch.conversation(thread_id="t", user_id="u"):
        call(recorder)
        assert sent(recorder, INSIDE) == "session.id=t,user.id=u"
        langwatch.inject({}, host="localhost")
    found = {name: value for name, value in counted().items() if name.startswith("baggage")}
    assert found == {f"baggage.withheld {why.partition(',')[0]}": 1}


def test_a_call_of_an_unsampled_request_is_counted_as_such(counted):
    """Where nothing records, the reason is that, and not the unknown host."""
    with border(sampler=ALWAYS_OFF, meter_provider=counted.provider) as recorder, langwatch.conversation(thread_id="t"):
        counted()
        assert sent(recorder, INSIDE) is None
        assert counted() == {"baggage.withheld unsampled": 1}


def test_a_call_that_has_no_room_is_counted_as_such(recorder, counted):
    """Other baggage fills the header: one call, whether one id stayed out or both."""
    found = []
    for size in (4090, 4070, 3900):
        token = attach(baggage.set_baggage("k1", "x" * 4090, baggage.set_baggage("k2", "x" * size)))
        with langwatch.conversation(thread_id="t", user_id="u" * 100):
            said = sent(recorder, INSIDE)
        found.append([key for key in ("session.id", "user.id") if f"{key}=" in said])
        detach(token)
    assert found == [[], ["session.id"], ["session.id", "user.id"]]
    assert {name: value for name, value in counted().items() if "span" not in name} == {"baggage.withheld no_room": 2}


def test_a_redirect_to_a_stranger_is_counted(recorder, counted):
    """What takes ids off headers is counted, where there were some."""
    for header in ("plan=pro", "session.id=t,plan=pro", "plan=pro"):
        strip({"baggage": header})
    assert counted() == {"baggage.withheld host": 1}


@pytest.mark.parametrize(
    ("header", "refused"),
    [
        ("session.id=%01,user.id=u", ["thread_id"]),
        ("session.id=t,user.id=" + "u" * 1025, ["user_id"]),
        ("session.id=,user.id=%ff", ["thread_id", "user_id"]),
        ("user.id=u,plan=" + "x" * 8192, ["user_id"]),
        ("plan=" + "x" * 8192, []),
        ("session.id=t,plan=\x01", []),
    ],
)
def test_an_id_that_is_not_believed_is_counted_by_its_field(recorder, counted, caplog, header, refused):
    """A value that comes in and breaks the rule is one, or the header that holds it; it is said once, without it."""
    for _ in range(2):
        propagate.extract({"traceparent": PARENT, "baggage": header})
    assert counted() == {f"baggage.refused {field}": 2 for field in refused}
    ours = [record.getMessage() for record in caplog.records if record.name == "langwatch_otel"]
    assert len(ours) == len(set(ours)) == len(refused)


def test_every_counter_is_there_from_the_start(counted):
    """A reader sees each counter with each of its attributes at zero, before anything has happened."""
    with recording(settings={"meter_provider": counted.provider}):
        counted()
        found = counted.points()
    expected = [
        " ".join((each.name.removeprefix("langwatch_otel."), *attributes.values()))
        for each in metrics.INSTRUMENTS
        for attributes, _ in each.points
    ]
    assert found == dict.fromkeys(expected, 0)


def test_off_is_silent_and_on_again_counts_once(counted, caplog):
    """On and off, many times: the provider has one instrument of each name, and no reader sees anything while off."""
    for _ in range(20):
        with recording(settings={"meter_provider": counted.provider}) as recorder:
            LangWatchInstrumentor().instrument(tracer_provider=recorder.provider)
            counted()
            with langwatch.conversation(thread_id="t"):
                recorder.tracer.start_span("one").end()
            assert counted() == {"span.stamped": 1}
        assert counted.points() == {}
    assert caplog.records == []


def test_another_provider_takes_over(counted):
    """Two meter providers, one after the other: the counters go to the one that was named last, and to it alone."""
    second = Counted()
    with recording(settings={"meter_provider": counted.provider}) as recorder:
        LangWatchInstrumentor().instrument(tracer_provider=recorder.provider, meter_provider=second.provider)
        second()
        with langwatch.conversation(thread_id="t"):
            recorder.tracer.start_span("one").end()
        assert (counted.points(), second()) == ({}, {"span.stamped": 1})
    second.provider.shutdown()


def test_what_is_no_meter_provider_is_refused():
    """A wrong one is named before anything is turned on."""
    for wrong in ("no", MeterProvider):
        with pytest.raises(ConfigurationError, match="meter_provider"):
            LangWatchInstrumentor().instrument(meter_provider=wrong)
    assert not LangWatchInstrumentor().is_instrumented_by_opentelemetry


def test_no_count_is_lost_among_threads():
    """Eight threads that add at once, and one that reads: the sum only rises, and is whole at the end."""
    count, seen = Count(), [0]

    def add():
        for _ in range(20_000):
            count.add()

    threads = [threading.Thread(target=add) for _ in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen.append(count.total)
    finally:
        sys.setswitchinterval(before)
    assert count.total == 160_000
    assert seen == sorted(seen)


# Prints the calls of ours that a request makes into metrics.py, then what a provider reads that is set afterwards.
LATE = """
import json, sys, threading
sys.path.insert(0, "tests")
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import langwatch_otel as langwatch
from _counting import Counted
from _making import NATIVE

counted, found = Counted(), {}
if sys.argv[1] == "before":
    metrics.set_meter_provider(counted.provider)
provider = TracerProvider()
trace.set_tracer_provider(provider)
langwatch.LangWatchInstrumentor().instrument()
provider.add_span_processor(SimpleSpanProcessor(langwatch.ConversationSpanExporter(InMemorySpanExporter())))

calls = set()
def profile(frame, event, _):
    if event == "call" and frame.f_code.co_filename.endswith("langwatch_otel/metrics.py"):
        calls.add(frame.f_code.co_name)
def turn():
    with langwatch.conversation(thread_id="t"), trace.get_tracer("t").start_as_current_span("one"):
        langwatch.set_conversation(user_id=object())
    trace.get_tracer("t").start_span("nobody's").end()
sys.setprofile(profile)
turn()
found["calls"] = sorted(calls)
if sys.argv[1] == "after":
    metrics.set_meter_provider(counted.provider)
found["counted"] = counted()
found["reading"] = "observe" in calls
sys.setprofile(None)
langwatch.LangWatchInstrumentor().uninstrument()
langwatch.LangWatchInstrumentor().instrument()
provider.add_span_processor(SimpleSpanProcessor(langwatch.ConversationSpanExporter(InMemorySpanExporter())))
turn()
found["again"] = counted()
print(json.dumps(found))
"""


@pytest.mark.parametrize("when", ["before", "after", "never"])
def test_the_global_provider_reads_whenever_it_is_set(when):
    """A request calls nothing that reports; what it counted is read by the provider there is, or by nobody."""
    command = [sys.executable, "-W", "error", "-c", LATE, when]
    run = subprocess.run(command, env=clean_environment(), check=True, timeout=60, capture_output=True, text=True)
    assert run.stderr.count("\n") == 1  # The refused id, and nothing of instruments that were there.
    turn = {"span.stamped": 1, "id.refused user_id": 1, "span.unnamed": 1} if when != "never" else {}
    assert json.loads(run.stdout) == {"calls": [], "counted": turn, "reading": when != "never", "again": turn}


# Counts before a fork, looked at and not, in the child and after it; with both temporalities.
FORK = """
import json, os, sys
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
import langwatch_otel as langwatch
from opentelemetry.sdk.trace import TracerProvider

readers = {each.name: InMemoryMetricReader({ObservableCounter: each}) for each in list(AggregationTemporality)[1:]}
provider = TracerProvider(shutdown_on_exit=False)
langwatch.LangWatchInstrumentor().instrument(provider, meter_provider=MeterProvider(readers.values()))

def turns(number):
    for _ in range(number):
        with langwatch.conversation(thread_id="t"):
            provider.get_tracer("t").start_span("turn").end()

def look(who):
    for name, reader in readers.items():
        [resource] = reader.get_metrics_data().resource_metrics
        for metric in resource.scope_metrics[0].metrics:
            if metric.name == "langwatch_otel.span.stamped":
                points = [[dict(point.attributes), point.value] for point in metric.data.data_points]
                os.write(1, (json.dumps([who, name, points]) + "\\n").encode())

turns(5)
look("parent")
turns(1)
for who in ("child", "grandchild"):
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        break
    turns(2)
    look(who)
    turns(1)
else:
    os._exit(0)
if who == "grandchild":
    look("child")
    os._exit(0)
turns(1)
look("parent")
"""


def test_a_fork_counts_nothing_twice():
    """A child's sums begin at zero, in streams of their own: all that the processes report adds up to what happened."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK],
        env=clean_environment(), check=True, timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    forks = "langwatch_otel.forks"
    assert [json.loads(line) for line in run.stdout.splitlines()] == [
        ["parent", "DELTA", [[{}, 5]]],
        ["parent", "CUMULATIVE", [[{}, 5]]],
        ["child", "DELTA", [[{forks: 1}, 2]]],
        ["child", "CUMULATIVE", [[{forks: 1}, 2]]],
        ["grandchild", "DELTA", [[{forks: 2}, 2]]],
        ["grandchild", "CUMULATIVE", [[{forks: 2}, 2]]],
        ["child", "DELTA", [[{forks: 1}, 1]]],
        ["child", "CUMULATIVE", [[{forks: 1}, 3]]],
        ["parent", "DELTA", [[{}, 2]]],
        ["parent", "CUMULATIVE", [[{}, 7]]],
    ]
