"""Several conversations in one request, one after the other."""

import pytest
from opentelemetry.trace import SpanKind

import langwatch_otel as langwatch
from _servers import post


def test_conversations_one_after_the_other_keep_to_their_own_ids(traced):
    """A span that was lent the first conversation's id gives it up for the one that is named inside it."""

    async def turn():
        for thread in ("a", "b", "c"):
            with traced.span(f"job {thread}"), langwatch.conversation(thread_id=thread), traced.span(f"in {thread}"):
                pass
        return {}

    app = traced.app()
    app.post("/turn")(turn)
    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
    assert traced.threads() == {
        "fastapi.dependencies": None,
        "job a": "a",
        "in a": "a",
        "job b": "b",
        "in b": "b",
        "job c": "c",
        "in c": "c",
        "fastapi.endpoint": "a",
        "fastapi.serialization": None,
        "POST /turn": "a",
    }


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "freed"])
def test_a_turn_that_names_itself_late_is_its_own(traced, kept):
    """After another conversation in the request, whether the garbage collector has taken that or not."""
    request = {"kind": SpanKind.SERVER, "attributes": {"http.request.method": "POST"}}
    handles = []
    with traced.span("POST /turn", **request):
        with langwatch.conversation(thread_id="a") as first:
            handles.append(first if kept else None)
        del first
        with traced.trace(name="second") as second:
            seen = langwatch.get_conversation().thread_id
            second.update(thread_id="b")
    assert (seen, traced.threads()) == (None, {"POST /turn": "a", "second": "b"})


@pytest.mark.parametrize("own", ["a", "c"])
def test_a_span_keeps_what_it_was_lent_when_its_request_is_named(traced, own):
    """Only in a request without a name of its own does a span give up a lent id for one from inside it."""
    request = {"kind": SpanKind.SERVER, "attributes": {"http.request.method": "POST"}}
    with traced.span("POST /turn", **request):
        with langwatch.conversation(thread_id="a"):
            pass
        with traced.span("after"):
            langwatch.set_conversation(thread_id=own)
            with langwatch.conversation(thread_id="b"):
                pass
    assert traced.threads() == {"POST /turn": "a", "after": "a"}
