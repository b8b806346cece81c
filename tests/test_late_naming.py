"""Naming a conversation when some of its spans have started, or ended, already."""

import pytest

import langwatch_otel as langwatch

CREATORS = {"session.id": "own", "user.id": "own", "gen_ai.conversation.id": "own"}


def name_in_the_middle(traced):
    """A turn whose conversation becomes known when one span has ended and four are open."""
    with traced.span("root"):
        with traced.span("ended"):
            pass
        beside = traced.tracer.start_span("open beside")
        with traced.span("ancestor"):
            with traced.span("current"):
                langwatch.set_conversation(thread_id="t", user_id="u")
            with traced.span("later"):
                pass
        beside.end()
        with traced.span("later beside"):
            pass


ALL = ("root", "ended", "open beside", "ancestor", "current", "later", "later beside")
NAMED = {"session.id": "t", "user.id": "u"}


def test_a_late_name_reaches_every_span_of_the_turn(traced):
    """Ancestors, open siblings, later spans and those that have ended are all named."""
    name_in_the_middle(traced)
    assert traced.spans() == dict.fromkeys(ALL, NAMED)


def test_a_late_name_without_the_exporter_reaches_open_and_later_spans(traced_without_backfill):
    """On a provider whose exporter is not wrapped, what has ended stays as it was, and nothing else does."""
    name_in_the_middle(traced_without_backfill)
    assert traced_without_backfill.spans() == {**dict.fromkeys(ALL, NAMED), "ended": {}}


def test_a_scope_names_its_ancestors_and_not_what_runs_beside(traced):
    """A name given inside `trace()` climbs to the spans above; a span beside it belongs to nobody."""
    with traced.span("root"):
        beside = traced.tracer.start_span("open beside")
        with traced.span("above"), traced.trace(name="turn"):
            langwatch.set_conversation(thread_id="t")
        with traced.span("later beside"):
            pass
        beside.end()
    named = {"root": "t", "above": "t", "turn": "t"}
    assert traced.threads() == {**named, "open beside": None, "later beside": None}


@pytest.mark.parametrize("key", CREATORS)
@pytest.mark.parametrize("when", ["at the start", "before the name", "after the name"])
def test_what_a_creator_set_is_kept_key_by_key(traced, key, when):
    """A span keeps the one attribute that its creator set, whenever that was, and gets the others."""
    genai = {"gen_ai.operation.name": "chat"}
    given = {key: CREATORS[key]}
    with traced.span("root", attributes={**genai, **(given if when == "at the start" else {})}) as root:
        if when == "before the name":
            root.set_attributes(given)
        with traced.span("ended", attributes={**genai, **given}):
            pass
        with traced.span("current"):
            langwatch.set_conversation(thread_id="t", user_id="u")
        if when == "after the name":
            root.set_attributes(given)
        langwatch.set_conversation(thread_id="t", labels=["late"])
        with traced.span("later", attributes={**genai, **given}):
            pass
    ours = {**NAMED, "gen_ai.conversation.id": "t", "langwatch.thread.id": "t"}
    labelled = {**genai, **ours, "langwatch.labels": ("late",), **given}
    assert traced.spans() == {
        "root": labelled,
        "ended": labelled,
        "current": NAMED,
        "later": labelled,
    }


def test_an_ancestor_with_a_thread_of_its_own_is_left_alone_whole(traced):
    """A name from a scope below stops at the first ancestor whose creator set a thread id."""
    own = traced.span("own", attributes={"session.id": "own"})
    with traced.span("root"), own, traced.trace(name="turn"):
        langwatch.set_conversation(thread_id="t", user_id="u")
    found = traced.spans()
    assert (found["root"], found["own"]) == ({}, {"session.id": "own"})


def test_ids_are_final(traced, said):
    """A second thread begins a new scope: spans of the first keep theirs, and the log says so once."""
    with traced.span("root"):
        for number, thread in enumerate(("one", "two", "three", "two")):
            langwatch.set_conversation(thread_id=thread, user_id=f"user {thread}")
            with traced.span(f"{number} {thread}"):
                pass
    named = {"root": "one", "0 one": "one", "1 two": "two", "2 three": "three", "3 two": "two"}
    assert traced.spans() == {
        name: {"session.id": thread, "user.id": f"user {thread}"} for name, thread in named.items()
    }
    assert len(said()) == 1


def test_a_thread_named_above_reaches_a_scope_below_live(traced):
    """What is named above later reaches open and later spans of scopes below that lack it."""
    with traced.span("root"):
        turn = langwatch.get_current_trace()
        with langwatch.conversation(thread_id="t"), traced.span("open"):
            turn.update(customer_id="c", user_id="u")
            with traced.span("later"):
                pass
        with langwatch.conversation(thread_id="t2", customer_id="own"), traced.span("has its own"):
            turn.update(labels=["late"])
    named = {"session.id": "t", "user.id": "u", "langwatch.customer.id": "c"}
    labels = {"langwatch.labels": ("late",)}
    assert traced.spans() == {
        "root": {**named, **labels},
        "open": named,
        "later": named,
        "has its own": {"session.id": "t2", "user.id": "u", "langwatch.customer.id": "own", **labels},
    }


def test_labels_and_metadata_may_change(traced):
    """The later word wins on open spans, key by key in metadata; what has ended keeps the earlier one."""
    with traced.span("root"):
        langwatch.set_conversation(thread_id="t", labels=["a", "b"], metadata={"plan": "free", "try": 1})
        with traced.span("ended"):
            pass
        with traced.span("open"):
            langwatch.set_conversation(labels=["c"], metadata={"plan": "paid"})
    both = {"session.id": "t", "langwatch.metadata.try": 1}
    after = {**both, "langwatch.labels": ("c",), "langwatch.metadata.plan": "paid"}
    assert traced.spans() == {
        "root": after,
        "open": after,
        "ended": {**both, "langwatch.labels": ("a", "b"), "langwatch.metadata.plan": "free"},
    }


def test_much_metadata_goes_on_the_local_root_only(traced):
    """Every span gets sixteen keys of 1 KiB at most; the local root gets the others too."""
    fits = {"kib": "x" * 1024, **{f"key{number}": number for number in range(14)}}
    too_long, too_many = {"longer": "x" * 1025}, {"seventeenth": "x"}
    with traced.span("root"):
        with traced.span("ended"):
            pass
        langwatch.set_conversation(thread_id="t", metadata={**fits, **too_long, **too_many})
        with traced.span("later"):
            pass

    def named(metadata):
        return {"session.id": "t", **{f"langwatch.metadata.{key}": value for key, value in metadata.items()}}

    assert traced.spans() == {
        "root": named({**fits, **too_long, **too_many}),
        "ended": named(fits),
        "later": named(fits),
    }


@pytest.mark.parametrize("inner", [False, True])
def test_without_adoption_ancestors_stay_as_they_are(traced, inner):
    """`adopt=False` keeps a name from the spans above it, whether given there or in a scope inside it."""
    with traced.span("root"):
        with langwatch.conversation(adopt=False), traced.span("inside"):
            if inner:
                with langwatch.conversation(thread_id="t"), traced.span("inmost"):
                    pass
            else:
                langwatch.set_conversation(thread_id="t")
        with traced.span("later"):
            pass
    inmost = {"inmost": "t"} if inner else {}
    assert traced.threads() == {"root": None, "inside": "t", "later": None, **inmost}


def test_a_batch_takes_its_first_conversation_at_most(traced):
    """Of three conversations one after the other the root takes the first; what lies between is nobody's."""
    with traced.span("batch"):
        for thread in "abc":
            with traced.span(f"between before {thread}"):
                pass
            with traced.trace(name=f"turn {thread}"):
                with traced.span(f"before {thread}"):
                    pass
                langwatch.set_conversation(thread_id=thread)
                with traced.span(f"after {thread}"):
                    pass
        with traced.span("at the end"):
            pass
    assert traced.threads() == {
        "batch": "a",
        "at the end": None,
        **{f"between before {thread}": None for thread in "abc"},
        **{f"{what} {thread}": thread for what in ("turn", "before", "after") for thread in "abc"},
    }


def test_one_tracer_makes_spans_of_each_kind(traced_without_backfill):
    """A span is a GenAI span, or has an id of its own, by its own attributes, whatever its tracer's other spans are."""
    traced = traced_without_backfill  # Nothing is mended at export.
    plain = {f"key {number}": number for number in range(5)}  # What follows has no more: that it fits is known.
    made = {"plain": plain, "chat": {"gen_ai.operation.name": "chat"}, "other": {"my.gen_ai.key": 1}, "last": {}}
    with langwatch.conversation(thread_id="t"):
        for name, attributes in {**made, "own": {"session.id": "own"}}.items():
            traced.tracer.start_span(name, attributes=attributes).end()
    genai = {"gen_ai.conversation.id": "t", "langwatch.thread.id": "t"}
    named = {
        name: {**attributes, "session.id": "t", **(genai if name == "chat" else {})}
        for name, attributes in made.items()
    }
    assert traced.spans() == {**named, "own": {"session.id": "own"}}
