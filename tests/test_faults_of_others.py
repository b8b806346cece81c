"""What raises around us, in the application's own code: a request, and a call, goes on all the same."""

import logging

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

import langwatch_otel as langwatch
from _asgi import get
from _recorder import recording


class BrokenError(Exception):
    """What the application's own code raises."""


def test_a_log_filter_that_raises_reaches_nobody():
    """Where a filter of the application's raises on what we log, naming goes on, and what was wrong is left out."""

    def fault(record):
        raise BrokenError

    logger = logging.getLogger("langwatch_otel")
    logger.addFilter(fault)
    try:
        with recording() as recorder, recorder.tracer.start_as_current_span("request"):
            langwatch.set_conversation(thread_id=1.5, user_id="u")
        assert recorder.by_name == {"request": {"user.id": "u"}}
    finally:
        logger.removeFilter(fault)


class Evasive:
    """ASGI middleware that raises whatever name it is asked for."""

    def __init__(self, application):
        self.__dict__["inside"] = application

    def __getattr__(self, name):
        raise BrokenError(name)

    async def __call__(self, scope, receive, send):
        await self.inside(scope, receive, send)


def test_middleware_that_answers_to_no_name_is_passed():
    """Requests go through middleware that raises on every attribute it is asked for."""
    app = Starlette(routes=[Route("/x", lambda request: Response())], middleware=[Middleware(Evasive)])
    with recording():
        assert [get(app), get(app)] == [200, 200]  # The stack is there from the first request on.
