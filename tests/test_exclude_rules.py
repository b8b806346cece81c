"""`span_exclude_rules`: how rules are written, which spans stay at home, and where their children hang."""

import copy
import pickle
import time
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

import langwatch_otel as langwatch
from _asgi import get
from _making import new_fastapi
from _recorder import make_provider, recording
from langwatch_otel import ConfigurationError, LangWatchInstrumentor, SpanExcludeRule, _guard, span_exporter
from langwatch_otel.exclude_rules import parse_rules

REMOTE = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1))


def rules(text):
    return {"span_exclude_rules": text}


def parents(spans):
    """{name: the name of the span that it hangs under, None for a root, the id where that is not among `spans`}."""
    names = {span.context.span_id: span.name for span in spans}
    return {span.name: span.parent and names.get(span.parent.span_id, span.parent.span_id) for span in spans}


def chain(tracer, names, context=None):
    """Spans one inside the other, each the parent of the next."""
    if names:
        with tracer.start_as_current_span(names[0], context=context):
            chain(tracer, names[1:])


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        (("name", "equals", "GET"), "GET", True),
        (("name", "equals", "GET"), "get", False),
        (("name", "contains", "b"), "abc", True),
        (("name", "starts_with", "b"), "abc", False),
        (("name", "ends_with", "c"), "abc", True),
        (("name", "matches", "^a.c$"), "abc", True),
        (("name", "matches", "b"), "abc", True),
        (("name", "matches", "x$"), "a" * 256 + "x", False),
        (("attribute:k", "equals", "200"), 200, True),
        (("attribute:k", "equals", 200), 200, True),
        (("attribute:k", "equals", "true"), True, True),
        (("attribute:k", "equals", True), True, True),
        (("attribute:k", "starts_with", "b"), ("a", "b"), True),
        (("attribute:k", "contains", "b"), (), False),
        (("attribute:k", "contains", "N"), None, False),
        (("scope", "equals", "None"), None, False),
    ],
)
def test_a_rule_compares_text(rule, value, holds):
    """Case counts, numbers and booleans are text, a list is asked item by item, and nothing never matches."""
    assert SpanExcludeRule(*rule).holds(value) is holds


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("nam equals x", "(perhaps name), got 'nam equals x'"),
        ("attribute: equals x", "got 'attribute: equals x'"),
        ("name start_with x", "(perhaps starts_with), got 'name start_with x'"),
        ("name equals", "got 'name equals'"),
        ("name equals x,name", "got 'name'"),
        ("name matches (", "a regular expression after 'matches' (missing ), unterminated subpattern at position 0)"),
        (5, "got 5"),
        ([5], "got 5"),
        (b"name equals x", "got b'name equals x'"),
        (["name equals x", "name is y"], "got 'name is y'"),
    ],
)
def test_a_wrong_rule_is_named(wrong, says):
    """A rule that cannot be read raises ConfigurationError with that rule, what it takes, and the closest word."""
    with pytest.raises(ConfigurationError) as caught:
        parse_rules("span_exclude_rules", wrong)
    assert says in str(caught.value)


SLOW = r"""
(a+)+$   ((a*)b*)*x   (?:\w+\s?)*$   (.*)*x   (\w|.)*!   (a|aa)+$   x(?=(a?b?){9,})
(\w+a)*x   (?i)([a-z]+A)*!   ([^/]+a)+$   ([^/?]+a)+$   (\S*-)*x   ((?:ab)*b)+$
"""


@pytest.mark.parametrize("pattern", SLOW.split())
def test_a_regular_expression_that_may_take_for_ever_is_refused(pattern):
    """A repeat of what can take the same text in two ways is named, as a span's start would wait for it."""
    with pytest.raises(ConfigurationError) as caught:
        SpanExcludeRule("name", "matches", pattern)
    takes = "no repeat of what can repeat itself after 'matches', as in (a+)+: it may take for ever"
    assert str(caught.value) == f"setting 'span_exclude_rules' takes {takes}, got {pattern!r}"


@pytest.mark.parametrize(
    "pattern",
    [
        r"^GET /(health|ready|live)z?$",
        r"^/api(/[^/]+)*$",
        r"(foo|bar)+",
        r"(\d{1,3}\.){3}\d{1,3}",
        r"^(?:[a-f0-9]{4}-)+",
        r"\w+\d+x",
        r".*a.*b",
        r"(?i)^(GET|POST) .*(\.js|\.css)$",
        r"([0-9a-f]{8}){5,}",
        r"(\w+-)*x",
        r"([^/]*/)+",
        r"([^/?]*/)+",
        r"(?:\d+,)*\d+$",
    ],
)
def test_a_usual_regular_expression_is_taken_and_ends_soon(pattern):
    """What people write is taken, and the worst text for it costs a fraction of a second."""
    rule = SpanExcludeRule("name", "matches", pattern)
    for text in ("a" * 5000, "1" * 5000, "/a" * 2500, "1." * 2500, "foo" * 2000):
        began = time.perf_counter()
        rule.holds(text + "!")
        assert time.perf_counter() - began < 1


@pytest.mark.parametrize("wrong", [("name", "equals", ""), ("name", ["equals"], "x"), (None, "equals", "x")])
def test_a_rule_made_of_wrong_parts_is_refused(wrong):
    """SpanExcludeRule itself refuses what it does not take."""
    with pytest.raises(ConfigurationError, match="span_exclude_rules"):
        SpanExcludeRule(*wrong)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\\"), min_size=1).map(str.strip).filter(bool)


@given(st.lists(st.tuples(st.sampled_from(["name", "scope", "attribute:a.b"]), TEXTS), max_size=4))
@example([("name", "a,b"), ("scope", ",")])
def test_what_is_written_as_text_is_read_back(written):
    r"""Rules joined by commas, with `\,` for a comma in a value, are the rules that they were; as a list, too."""
    expected = tuple(SpanExcludeRule(field, "contains", value) for field, value in written)
    as_texts = [f"{rule.field} {rule.op} {rule.value}" for rule in expected]
    assert parse_rules("", ",".join(text.replace(",", "\\,") for text in as_texts)) == expected
    assert parse_rules("", as_texts) == parse_rules("", expected) == expected


def test_rules_of_the_langwatch_sdk_are_taken():
    """The SDK's SpanProcessingExcludeRule means the same here."""
    operations = {
        "includes": "contains",
        "exact_match": "equals",
        "starts_with": "starts_with",
        "ends_with": "ends_with",
    }
    given = [SimpleNamespace(field_name="span_name", match_value="x", match_operation=each) for each in operations]
    assert parse_rules("", given) == tuple(SpanExcludeRule("name", each, "x") for each in operations.values())


def test_children_hang_on_the_nearest_kept_ancestor():
    """What is left out is what matches, and the trace stays one tree; another exporter sees every span as it was."""
    plain = InMemorySpanExporter()
    with recording(late=True, settings=rules("name starts_with x,scope equals noise")) as recorder:
        recorder.provider.add_span_processor(SimpleSpanProcessor(plain))
        chain(recorder.tracer, ["a", "x1", "x2", "b", "x3", "c"])
        chain(recorder.provider.get_tracer("noise"), ["d"])
        assert parents(recorder.spans) == {"a": None, "b": "a", "c": "b"}
    expected = {"a": None, "x1": "a", "x2": "x1", "b": "x2", "x3": "b", "c": "x3", "d": None}
    assert parents(plain.get_finished_spans()) == expected


@pytest.mark.parametrize(("context", "above"), [(None, None), (set_span_in_context(NonRecordingSpan(REMOTE)), 8)])
def test_a_root_that_is_left_out_leaves_its_parent_to_its_children(context, above):
    """Children of an excluded root are roots themselves, or hang under its remote parent."""
    with recording(late=True, settings=rules("name equals x")) as recorder:
        chain(recorder.tracer, ["x", "a", "b"], context)
        assert parents(recorder.spans) == {"a": above, "b": "a"}


def test_a_child_that_goes_out_long_after_its_parent_would_have():
    """A span that ends after its excluded parent was dealt with hangs where the others do, and its children, too."""
    with recording(late=True, settings=rules("name equals x")) as recorder:
        with recorder.tracer.start_as_current_span("a"):
            with recorder.tracer.start_as_current_span("x"):
                late = recorder.tracer.start_span("late")
            recorder.provider.force_flush()
        recorder.provider.force_flush()
        recorder.tracer.start_span("later", set_span_in_context(late)).end()
        late.end()
        assert parents(recorder.spans) == {"a": None, "late": "a", "later": "late"}


def test_a_span_that_exports_at_once_is_left_out_too():
    """With the processor that exports at once, added before ours, children hang right all the same."""
    provider = make_provider()
    LangWatchInstrumentor().instrument(tracer_provider=provider, backfill=True, span_exclude_rules=["name equals x"])
    try:
        chain(provider.get_tracer("application"), ["a", "x", "b"])
        assert parents(provider.exporter.get_finished_spans()) == {"a": None, "b": "a"}
    finally:
        LangWatchInstrumentor().uninstrument()


def test_a_rule_for_an_attribute_sees_what_would_go_out():
    """An attribute that is set late, by the application or by us, counts; the children keep their parent's id."""
    with recording(late=True, settings=rules("attribute:k equals 1,attribute:session.id equals test")) as recorder:
        with recorder.tracer.start_as_current_span("k") as dropped:
            recorder.tracer.start_span("child").end()
            dropped.set_attribute("k", 1)
        with recorder.tracer.start_as_current_span("request"):
            recorder.tracer.start_span("early").end()
            langwatch.set_conversation(thread_id="test")
        assert parents(recorder.spans) == {"child": dropped.context.span_id}


def test_a_span_that_is_renamed():
    """A name counts that a span starts with, that it has when a child starts, and that it goes out with."""
    with recording(late=True, settings=rules("name equals x,name equals y")) as recorder:
        with recorder.tracer.start_as_current_span("x") as span:
            span.update_name("was x")
        with recorder.tracer.start_as_current_span("GET") as span:
            span.update_name("y")
            recorder.tracer.start_span("child of y").end()
        with recorder.tracer.start_as_current_span("z") as last:
            recorder.tracer.start_span("child of z").end()
            last.update_name("y")
        assert parents(recorder.spans) == {"child of y": None, "child of z": last.context.span_id}


@new_fastapi
def test_fastapis_own_server_span_by_its_route():
    """`name equals GET /health` leaves out the request's span, which FastAPI names after its start."""
    with recording(late=True, settings=rules("name equals GET /x")) as recorder:
        app = FastAPI(telemetry={"tracer_provider": recorder.provider, "metrics": False}, openapi_url=None)

        @app.get("/x")
        async def x():
            return {}

        assert get(app) == 200
        found = parents(recorder.spans)
    assert (found.keys() >= {"fastapi.endpoint"}, set(found.values()), "GET /x" in found) == (True, {None}, False)


def test_names_given_late_and_rules_together():
    """A span that is named at export is moved as well, with all that it had; ids are those of the conversation."""
    with recording(late=True, settings=rules("name equals x")) as recorder:
        with recorder.tracer.start_as_current_span("a"):
            with recorder.tracer.start_as_current_span("x"):
                recorder.tracer.start_span("early", attributes={"k": 1}).end()
            langwatch.set_conversation(thread_id="t")
        assert parents(recorder.spans) == {"a": None, "early": "a"}
        assert recorder.by_name["early"] == {"k": 1, "session.id": "t"}


def test_without_rules_nothing_is_added_to_a_span():
    """Without rules a span's start is the class's own method, and exported spans are the objects that ended."""
    with recording(late=True) as recorder:
        ours = recorder.provider._active_span_processor._span_processors[-1]
        assert "on_start" not in vars(ours)
        with recorder.tracer.start_as_current_span("a") as span:
            pass
        assert vars(span.context) == {}


def test_rules_can_change_and_end():
    """A later call's rules replace the earlier ones; turned off there are none; what was left out stays so."""
    with recording(late=True, settings=rules("name equals x")) as recorder:
        chain(recorder.tracer, ["x"])
        LangWatchInstrumentor().instrument(tracer_provider=recorder.provider, span_exclude_rules=["name equals y"])
        chain(recorder.tracer, ["x", "y"])
        LangWatchInstrumentor().uninstrument()
        chain(recorder.tracer, ["y"])
        assert [span.name for span in recorder.spans] == ["x", "y"]


def test_a_rule_that_fails_leaves_nothing_out(monkeypatch, caplog):
    """A fault of ours while a rule is looked at, or a child moved, costs no span and reaches nobody."""
    with recording(late=True, settings=rules("name equals x")) as recorder:
        monkeypatch.setattr(SpanExcludeRule, "holds", lambda *_: 1 / 0)
        chain(recorder.tracer, ["x", "a"])
        assert parents(recorder.spans) == {"x": None, "a": "x"}
    assert caplog.messages == [
        "langwatch_otel failed while looking for a rule that leaves a span out: ZeroDivisionError",
        "langwatch_otel failed while leaving out a span: ZeroDivisionError",
    ]


def test_a_marked_context_is_still_itself():
    """What hangs on a span context changes neither what it equals nor how it is copied and pickled."""
    with recording(late=True, settings=rules("name equals x")) as recorder:
        context = recorder.tracer.start_span("x").context
        again = SpanContext(*context[:5])
        assert context == again == copy.deepcopy(context) == pickle.loads(pickle.dumps(context))
        assert repr(context) == repr(again)


def test_rules_by_hand(monkeypatch):
    """Processor and exporter added by hand follow the rules of the environment."""
    monkeypatch.setenv("OTEL_LANGWATCH_SPAN_EXCLUDE_RULES", "name equals x")
    LangWatchInstrumentor().uninstrument()
    try:
        provider, memory = make_provider(), InMemorySpanExporter()
        provider.add_span_processor(langwatch.ConversationSpanProcessor())
        provider.add_span_processor(SimpleSpanProcessor(langwatch.ConversationSpanExporter(memory)))
        chain(provider.get_tracer("application"), ["a", "x", "b"])
        assert parents(memory.get_finished_spans()) == {"a": None, "b": "a"}
        assert len(provider.exporter.get_finished_spans()) == 3
    finally:
        monkeypatch.undo()
        LangWatchInstrumentor().uninstrument()


def test_rules_that_reach_no_exporter_are_mentioned(monkeypatch, caplog):
    """instrument() with rules, and no exporter of ours anywhere, says once what they need."""
    monkeypatch.setattr(_guard, "_said", set())
    monkeypatch.setattr(span_exporter, "_exporters", set())
    try:
        for _ in range(2):
            LangWatchInstrumentor().instrument(tracer_provider=make_provider(), span_exclude_rules="name equals x")
    finally:
        LangWatchInstrumentor().uninstrument()
    assert caplog.messages == [
        "span_exclude_rules hold where an exporter is wrapped: backfill=true, or ConversationSpanExporter"
    ]
