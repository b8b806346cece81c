"""One request, or one websocket, that sources are looked for in: what is known of it so far, and whom it names.

The body is looked at as it streams by: nothing is read that the application does not read, nothing held up or changed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context, attach, get_current

from langwatch_otel.finding import scope_in, within
from langwatch_otel.identity import EMPTY, Conversation, conversation_of
from langwatch_otel.naming import suppose_turn
from langwatch_otel.open_span import open_span_in
from langwatch_otel.scope import Scope as Holder
from langwatch_otel.scopes_above import said
from langwatch_otel.sources import KINDS, MAX_BODY, first_of, is_json, parsed

from .visit import KEY, Asgi, Visit, Wanted, have_body, wanted

if TYPE_CHECKING:
    from starlette.types import Message


def begin(asgi: Asgi, app: object) -> Visit | None:
    """Look at what is known when a request of `app` comes in; return its visit, unless nothing more can come."""
    if asgi["type"] not in ("http", "websocket") or not (fields := wanted()):
        return None
    context = get_current()
    scope = scope_in(context, open_span_in(context))
    if scope is None:
        return None
    if (outside := asgi.get(KEY)) is not None:
        if outside.is_of(scope):
            return None
        outside.leave()  # An application that is mounted there has a server span of its own.
    kind: type[Visit] = HttpVisit if asgi["type"] == "http" else SocketVisit
    visit = kind(scope, fields, asgi)
    fastapi = sys.modules.get("fastapi")
    visit.is_parsed = fastapi is not None and isinstance(app, fastapi.FastAPI)
    visit.look()
    if visit.is_over:
        return None
    asgi[KEY] = visit
    return visit


class HttpVisit(Visit):
    """An HTTP request."""

    def __init__(self, scope: Holder, fields: Wanted, asgi: Asgi) -> None:
        super().__init__(scope, fields, asgi)
        self._chunks: list[bytes] | None = []
        self._size = 0
        self._complete = False
        if not is_json(self._request.headers):
            self._give_up_body()

    def _give_up_body(self) -> None:
        self._chunks = None
        self._known.add("body")

    def hear(self, message: Message) -> None:
        if "body" in self._known or self._chunks is None or self._complete:
            return
        if message["type"] == "http.request":
            chunk = message.get("body", b"")
            self._size += len(chunk)
            if self._size > MAX_BODY:
                self._give_up_body()
                self.look()
                return
            self._chunks.append(chunk)
            if not message.get("more_body", False):
                self._complete = True
                if not self.is_parsed:
                    self._parse()

    def left_to_itself(self) -> None:
        self.is_parsed = False
        if self._complete and "body" not in self._known:
            self._parse()

    def _parse(self) -> None:
        raw = b"".join(self._chunks or ())
        self._has_body(parsed(raw), raw)

    def _has_body(self, body: object, raw: bytes | None) -> None:
        self._request.body, self._request.raw = body, raw
        self._give_up_body()
        self.look()
        self._request.body = self._request.raw = None

    def handed_over(self, asgi: Asgi, body: object) -> None:
        if "path" not in self._known:
            self.routed(asgi)
        if self._complete and "body" not in self._known and isinstance(body, (dict, list)):
            self._has_body(body, b"".join(self._chunks or ()))
        else:
            self.left_to_itself()

    def answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.left_to_itself()
            self._settle()

    def _settle(self) -> None:
        """Take the best of what is known; what only a body can give may come still, while the answer is sent."""
        before, listening = self._open, "body" not in self._known
        self._known.update(KINDS)
        found = self.look()
        if listening:
            self._known.discard("body")
            self._open = tuple((name, sources) for name, sources in before if name not in found and have_body(sources))

    def end(self, asgi: Asgi) -> None:
        if self._open:
            self.routed(asgi)
            self.left_to_itself()
            self._give_up_body()
            self.look()
        super().end(asgi)


class SocketVisit(Visit):
    """A websocket: the handshake names all of it, a JSON text message its turn."""

    def __init__(self, scope: Holder, fields: Wanted, asgi: Asgi) -> None:
        super().__init__(scope, fields, asgi)
        self._known.add("body")  # Of the handshake: it has none.
        self._of_messages = tuple((name, sources) for name, sources in fields if have_body(sources))
        self._of_all: dict[str, Any] = {}
        self._turn: Holder | None = None

    def look(self) -> dict[str, Any]:
        found = super().look()
        self._of_all.update(found)
        return found

    def answer(self, message: Message) -> None:
        self._settle()

    def _settle(self) -> None:
        if self._open:
            self._known.update(KINDS)
            self.look()

    def hear(self, message: Message) -> None:
        if message["type"] != "websocket.receive":
            return
        self._settle()
        text = message.get("text")
        if not self._of_messages or text is None:
            return
        context = get_current()
        current = scope_in(context, open_span_in(context))
        if current is None or (current is not self._scope and current is not self._turn):
            return  # The code has opened a scope of its own.
        if said(current).thread_id is None:
            self._begin_turn(context, self._named_by(text))

    def _named_by(self, text: str) -> Conversation:
        """Return whom a message names, where that is another than the handshake did."""
        self._request.body = parsed(text) if len(text) <= MAX_BODY and text.lstrip()[:1] in ("{", "[") else None
        self._request.raw = text.encode("utf-8", "surrogatepass") if self._request.body is not None else None
        found: dict[str, Any] = {name: first_of(sources, self._request)[0] for name, sources in self._of_messages}
        self._request.body = self._request.raw = None
        return conversation_of(**{name: value for name, value in found.items() if value != self._of_all.get(name)})

    def _begin_turn(self, context: Context, conversation: Conversation) -> None:
        """Leave the turn before, and begin the one of `conversation`; of nobody where that is empty."""
        if self._turn is not None:
            self._turn.close()
            self._turn = None
            attach(within(self._scope, context))
        if conversation is not EMPTY:
            self._turn = suppose_turn(self._scope, conversation)
