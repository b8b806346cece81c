"""What is known of one request so far, and whom it names: the part that every kind of request shares."""

from __future__ import annotations

from collections.abc import Awaitable, MutableMapping
from typing import TYPE_CHECKING, Any

from langwatch_otel import config
from langwatch_otel._guard import swallowed
from langwatch_otel.identity import EMPTY, conversation_of
from langwatch_otel.scope import Scope as Holder
from langwatch_otel.sources import Request, Source, first_of
from langwatch_otel.weak_names import suppose

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

Asgi = MutableMapping[str, Any]
Wanted = tuple[tuple[str, tuple[Source, ...]], ...]

# Where the hooks inside a request find its visit; gone when the request is over.
KEY = "langwatch_otel.request"

AT_ONCE = frozenset(("header", "query", "cookie"))


def wanted() -> Wanted:
    """Return each field that has sources, with them."""
    global _of
    chosen = config.active()
    if _of[0] is not chosen:  # Worked out once: every request asks.
        _of = (chosen, _wanted(chosen))
    return _of[1]


_of: tuple[config.Config | None, Wanted] = (None, ())


def _wanted(chosen: config.Config) -> Wanted:
    return tuple(
        (name, sources)
        for name, sources in (
            ("thread_id", chosen.thread_id_from),
            ("user_id", chosen.user_id_from),
            ("customer_id", chosen.customer_id_from),
        )
        if sources
    )


def is_wanted() -> bool:
    """Say whether there is anything to look for."""
    return bool(wanted())


def have_body(sources: tuple[Source, ...]) -> bool:
    """Say whether one of them is a body."""
    return any(source.kind == "body" for source in sources)


class Visit:
    """What is still open of the fields that sources are to give."""

    is_parsed = False
    """Whether the framework will hand over the body that it has parsed, so that nothing is parsed twice."""

    def __init__(self, scope: Holder, fields: Wanted, asgi: Asgi) -> None:
        self._scope = scope
        self._open = fields
        self._of_messages: Wanted = ()
        self._known = set(AT_ONCE)
        self._request = Request(asgi["headers"], asgi.get("query_string", b""), known=self._known)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is looked for."""
        return not self._open and not self._of_messages

    @property
    def is_routed(self) -> bool:
        """Whether the path has its route by now."""
        return "path" in self._known

    def is_of(self, scope: Holder) -> bool:
        """Say whether `scope` is a part of this request."""
        return scope is self._scope or scope.is_below(self._scope)

    def look(self) -> dict[str, Any]:
        """Name the scope with what is sure by now, and return that."""
        found: dict[str, Any] = {}
        still = []
        for name, sources in self._open:
            value, waiting = first_of(sources, self._request)
            if value is not None:
                found[name] = value
            elif waiting:
                still.append((name, waiting))
        self._open = tuple(still)
        if found and (conversation := conversation_of(**found)) is not EMPTY:
            suppose(self._scope, conversation)
        return found

    def routed(self, asgi: Asgi) -> None:
        """Take note of the path, which has a route now."""
        if self._open and "path" not in self._known:
            self._request.path_params = asgi.get("path_params") or {}
            self._known.add("path")
            for _, sources in self._open:
                if sources[0].kind == "path":
                    self.look()
                    break

    def handed_over(self, asgi: Asgi, body: object) -> None:
        """Take note of what the framework has parsed, and is about to give to the application."""
        self.routed(asgi)

    def left_to_itself(self) -> None:
        """Take note that the framework will not parse the body."""

    def leave(self) -> None:
        """Look no more."""
        self._open = self._of_messages = ()

    def end(self, asgi: Asgi) -> None:
        """The request is over: what has not come will not."""
        if asgi.get(KEY) is self:
            del asgi[KEY]
        self.leave()

    def around(self, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """Return both, with a look at the messages that pass."""

        # Plain functions, which hand on what they were given: a coroutine more for each message costs what a look does.
        def receive_and_look() -> Awaitable[Message]:
            return received() if self._open or self._of_messages else receive()

        async def received() -> Message:
            message = await receive()
            if self._open or self._of_messages:
                try:  # Measured: `with guarded()` costs as much as what is done in it.
                    self.hear(message)
                except Exception as error:
                    swallowed("looking at a message of a request", error)
            return message

        def look_and_send(message: Message) -> Awaitable[None]:
            if self._open or self._of_messages:
                try:
                    self.answer(message)
                except Exception as error:
                    swallowed("looking at a message of a response", error)
            return send(message)

        return receive_and_look, look_and_send

    def hear(self, message: Message) -> None:
        """Look at what the client sent."""

    def answer(self, message: Message) -> None:
        """Look at what the application sends."""
