"""Several conversations in one request, one after the other."""

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
