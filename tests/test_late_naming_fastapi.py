"""Conversations that are named late, or several at once, in requests to a real server."""

import asyncio

import pytest
from fastapi import BackgroundTasks

import langwatch_otel as langwatch
from _servers import post

FASTAPI = ("POST /turn", "fastapi.dependencies", "fastapi.endpoint", "fastapi.serialization")


class NamesTheCustomer:
    """ASGI middleware of an application that knows whose customer is asking, and no more."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        with langwatch.conversation(customer_id="c"):
            await self.app(scope, receive, send)


def serve(traced, endpoint, *middleware):
    """Serve one request to `endpoint`; return {name: (thread, customer)} of its spans."""
    app = traced.app()
    app.post("/turn")(endpoint)
    for each in middleware:
        app.add_middleware(each)
    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
    return {
        name: (attributes.get("session.id"), attributes.get("langwatch.customer.id"))
        for name, attributes in traced.spans().items()
    }


@pytest.mark.parametrize("decorated", [False, True])
def test_a_scope_around_the_handler_is_inherited_live(traced, decorated):
    """Middleware names the customer, the handler the thread: every span of the request has both."""

    async def turn():
        with traced.span("ended"):
            pass
        langwatch.set_conversation(thread_id="t")
        with traced.span("later"):
            pass
        return {}

    found = serve(traced, traced.trace(name="handler")(turn) if decorated else turn, NamesTheCustomer)
    names = (*FASTAPI, "ended", "later", *(["handler"] if decorated else []))
    assert found == dict.fromkeys(names, ("t", "c"))


def test_without_adoption_a_request_stays_as_it_is(traced):
    """A conversation with `adopt=False` in a request names its own spans and lends its name to nobody."""

    async def turn():
        with langwatch.conversation(thread_id="t", adopt=False), traced.span("inside"):
            pass
        with traced.span("later"):
            pass
        return {}

    nobodys = dict.fromkeys((*FASTAPI, "later"), (None, None))
    assert serve(traced, turn) == {**nobodys, "inside": ("t", None)}


def a_trace(traced, work):
    """A conversation in a `trace()`."""
    return lambda thread: traced.trace(name=f"turn {thread}")(work)(thread)


def a_conversation(traced, work):
    """A conversation in a `conversation()`, without a span of its own."""
    return langwatch.conversation()(work)


def a_span_around(traced, work):
    """A conversation whose scope is opened, named, inside a span that is open already."""

    async def turn(thread):
        with traced.span(f"turn {thread}"):
            await work(thread)

    return turn


def gathered(traced, flavour, threads, rest=0):
    """Serve a request with a conversation for each of `threads`, and two tasks without, all at once.

    Each conversation starts `rest` steps of the event loop after the one before.
    """

    async def work(thread):
        with traced.span(f"before {thread}"):
            await asyncio.sleep(0)
        if flavour is a_span_around:
            with langwatch.conversation(thread_id=thread):
                await after(thread)
        else:
            langwatch.set_conversation(thread_id=thread)
            await after(thread)

    async def after(thread):
        with traced.span(f"open {thread}"):
            await asyncio.sleep(0)
            with traced.span(f"inmost {thread}"):
                await asyncio.sleep(0)
        with traced.span(f"after {thread}"):
            await asyncio.sleep(0)

    async def nameless(name):
        with traced.span(f"{name} outer"):
            for step in range(8):
                with traced.span(f"{name} {step}"):
                    await asyncio.sleep(0)

    turn = flavour(traced, work)

    async def late(number, thread):
        for _ in range(number * rest):
            await asyncio.sleep(0)
        await turn(thread)

    async def endpoint():
        turns = [late(number, thread) for number, thread in enumerate(threads)]
        await asyncio.gather(nameless("first"), *turns, nameless("last"))
        with traced.span("when all are done"):
            pass
        return {}

    return {name: thread for name, (thread, _) in serve(traced, endpoint).items()}


NAMELESS = [f"{who} {what}" for who in ("first", "last") for what in ("outer", *range(8))]
OF_A_TURN = ("before", "open", "inmost", "after")


@pytest.mark.parametrize("rest", [0, 1, 2, 5])
@pytest.mark.parametrize("flavour", [a_trace, a_conversation, a_span_around])
def test_gathered_conversations_never_borrow(traced, flavour, rest):
    """Three conversations at once in a request keep to their own ids, and what is nobody's gets none."""
    turns = {f"{what} {thread}": thread for thread in "abc" for what in OF_A_TURN}
    if flavour is not a_conversation:
        turns |= {f"turn {thread}": thread for thread in "abc"}
    if flavour is a_span_around:
        turns |= {f"before {thread}": None for thread in "abc"}  # Ended outside of any conversation.
    assert gathered(traced, flavour, "abc", rest) == {
        **turns,
        **dict.fromkeys(NAMELESS),
        **dict.fromkeys(FASTAPI),
        "POST /turn": "a",
        "fastapi.endpoint": "a",
        "when all are done": None,
    }


@pytest.mark.parametrize("flavour", [a_trace, a_conversation, a_span_around])
def test_a_request_with_one_conversation_is_named_whole(traced, flavour):
    """Where only one thread is named in a request, all of it is that thread's, nameless tasks too."""
    found = gathered(traced, flavour, "a")
    assert set(found.values()) == {"a"}
    assert len(found) == len(FASTAPI) + len(NAMELESS) + len(OF_A_TURN) + 1 + (flavour is not a_conversation)


def with_background(traced, synchronous):
    """Serve a request with a scope for its conversation and two background tasks; return its threads."""

    def work(name):
        with traced.span(name):
            pass

    def turn(tasks: BackgroundTasks):
        tasks.add_task(work, "in the task")
        tasks.add_task(traced.trace(name="decorated")(work), "in the decorated task")
        with langwatch.conversation(thread_id="t"):
            return {}

    async def asynchronous(tasks: BackgroundTasks):
        return turn(tasks)

    app = traced.app()
    app.post("/turn")(turn if synchronous else asynchronous)
    with traced.served(app) as port:
        assert post(port, "/turn", {})[0] == 200
    traced.provider.force_flush()
    found = traced.exporter.get_finished_spans()
    return sorted((span.name, span.attributes.get("session.id")) for span in found)


IN_BACKGROUND = ("in the task", "in the decorated task", "decorated", *["fastapi.background_task"] * 2)


@pytest.mark.parametrize("synchronous", [False, True])
def test_what_follows_the_request_has_its_name(traced, synchronous):
    """Background tasks, and what they start, belong to the one conversation of the request."""
    assert with_background(traced, synchronous) == sorted((name, "t") for name in (*FASTAPI, *IN_BACKGROUND))


@pytest.mark.parametrize("synchronous", [False, True])
def test_what_follows_is_named_as_it_starts(traced_without_backfill, synchronous):
    """Without the exporter, too: all but what ended before the name."""
    threads = {"fastapi.dependencies": None}
    expected = [(name, threads.get(name, "t")) for name in (*FASTAPI, *IN_BACKGROUND)]
    assert with_background(traced_without_backfill, synchronous) == sorted(expected)
