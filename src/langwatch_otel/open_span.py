"""What hangs on a span while it is open: its scope, its nearest open ancestor, and what was stamped."""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, SpanContext, set_span_in_context

from .attributes import SESSION_ID, USER_HASH
from .counts import spans_stamped
from .genai import has_genai_key
from .identity import EMPTY, Conversation
from .recorded_errors import RecordedErrors
from .rendering import NOTHING, Attributes, Rendered, guard_against
from .stamping import Stamper, attributes_of
from .turn_links import follow

if TYPE_CHECKING:
    from .scope import Scope
    from .stamping import RecordingSpan

# Found through the span and not through contextvars: FastAPI's own instrumentation undoes what a dependency
# attaches, and the server span starts long before anybody knows a name.
HANGS_AS = "_langwatch_otel"

HANGS_LATE_AS = "_langwatch_otel_late"
"""The same on an exported span that ended before its name was known."""

# The key under which a context holds its span, asked of the public function: reading it is five times as fast.
SPAN_KEY = next(iter(set_span_in_context(INVALID_SPAN, Context())))

NO_KEYS = frozenset[str]()

# From 2, because 1 is the end of a span that had its name.
sequence = itertools.count(2)
"""Orders the ends of spans, the loans of a name and the calls of force_flush."""


class OpenSpan(weakref.ref[Any]):
    """One span that is, or was, open: a weak reference to it, and what we know of it."""

    # Made for every span: one object and no more, and its maker, the processor, fills the slots. The rest has a
    # default and, rarely, the dictionary. One class for them all: the interpreter is slow where it meets several.
    __slots__ = "__dict__ ended genai given opens parent root scope stamped stamper turn written".split()

    scope: Scope
    parent: OpenSpan | None
    stamper: Stamper
    stamped: Rendered
    genai: bool
    """By who made it, or by an attribute that it had when it was stamped."""
    given: Rendered
    """What scopes below gave it: the climb of a late name."""
    ended: int
    """0 while it is open, 1 when it ended; for one that ended without a name its number in `sequence`."""

    root: bool
    """A local root."""
    opens: bool
    """Its scope was opened for it, and is over when it ends."""
    turn: tuple[str, SpanContext | None] | None
    """Of a local root: the thread that it is a turn of, and the turn before."""
    written: frozenset[str]
    """The keys of the texts that we wrote, where users are hashed."""

    told = NOTHING.plain
    """The texts of the turn that a local root was told by trace() spans."""
    gift: Conversation = EMPTY
    """The conversation that `given` was made of."""
    theirs = NO_KEYS
    """The keys that its creator set, where a name may still take the place of what we stamped: not ours to replace."""
    agent = False
    """Made by an instrumentation of a model or an agent, and without a thread as it started."""
    heard: str | None = None
    """The thread that such a span had at its end, its own or of one below: known at export alone."""
    short_cut: OpenSpan | None = None
    """To the nearest agent's span above, else to the root: a deep trace must not take the square of its depth."""
    errors: RecordedErrors | None = None
    """What we recorded of errors before the user was known, where users are hashed."""
    borrowed = False
    """It started with a name that was only lent to its request."""
    ended_in: weakref.ref[object] | None = None
    """Of one that ended in a request without a name: the flow of execution that ended it."""
    below_framework: OpenSpan | None = None
    """And the nearest span of the framework: itself, or one above that is not the server span."""

    # A reference of its own, not one of several to the same span.
    __hash__ = object.__hash__
    __eq__ = object.__eq__
    span = weakref.ref.__call__

    def __deepcopy__(self, memo: object) -> OpenSpan:
        # Exported spans are copied by some; what hangs on them is shared, like the span's resource.
        return self

    @property
    def thread_id(self) -> str | None:
        """The thread that we stamped, its own or a given one."""
        return self.stamped.thread_id or self.given.thread_id

    @property
    def user(self) -> str | None:
        """The pseudonym that we stamped, where users are hashed; else of who was last named below."""
        return self.stamped.plain.get(USER_HASH) or self.given.plain.get(USER_HASH) or self.scope.user_below()

    def without_user(self, present: Attributes, user: str) -> Attributes:
        """Return those texts of `present` that we wrote and that held the raw id of `user`, without it."""
        guard = guard_against(user)
        stamped = {**self.given.for_span(self.genai, self.root), **self.stamped.for_span(self.genai, self.root)}
        ids = self.stamped.spelling.ids
        ours = self.written | {key for key, value in stamped.items() if key not in ids and present.get(key) == value}
        texts = {key: present[key] for key in ours & present.keys()}
        told = {key: guard.value_without_user(value) for key, value in texts.items()}
        return {key: value for key, value in told.items() if value != texts[key]}

    def hide_user(self, span: Any) -> None:
        """Take the raw id of a user who is named now out of what was written before."""
        if (user := self.user) is not None:
            for key, text in self.without_user(attributes_of(span), user).items():
                span.set_attribute(key, text)
            if self.errors is not None:
                self.errors.hide_user(span, guard_against(user))

    def heard_thread(self) -> str | None:
        """Return the thread that this span, or the nearest agent's span above, had at its end; else the turn's."""
        if self.heard is not None:
            return self.heard
        found, passed = self, []
        while not found.agent and (above := found.short_cut or found.parent) is not None:
            passed.append(found)
            found = above
        for each in passed:
            each.short_cut = found
        if found.agent:
            return found.heard  # Perhaps none as yet: what the turn's other agents had is not for it.
        return None if self.scope.heard_two else self.scope.heard

    @property
    def weak(self) -> Rendered | None:
        """What was stamped, where its thread came in by baggage and nobody has named another."""
        found = self.stamped if self.stamped.thread_id is not None else self.given
        return found if found.weak else None

    def nearest_open(self) -> OpenSpan | None:
        """Return this span while it is open, else its nearest open ancestor."""
        found: OpenSpan | None = self
        while found is not None and found.ended:
            found = found.parent
        return found

    def _recording(self) -> RecordingSpan | None:
        span = self.span()
        return cast("RecordingSpan", span) if span is not None and span.is_recording() else None

    def restamp(self, rendered: Rendered) -> None:
        """Stamp what its scope says now, unless the span belongs to another thread already. Needs the lock."""
        span: Any = self()
        if span is None or not span.is_recording():
            return
        if self.stamped is NOTHING and self.given is NOTHING:
            self.stamper.first(span, self, rendered)
            self.stamped = rendered  # Not before: a span that another thread ends meanwhile is named at export.
        elif not self._restamp(span, rendered):
            return
        if self.written:
            self.hide_user(span)
        if self.root:
            follow(self, span)

    def _restamp(self, span: Any, rendered: Rendered) -> bool:
        """Stamp over what was stamped or given before; False where the span belongs to another thread."""
        before = self.stamped
        mine = before.thread_id or self.given.thread_id
        if mine is not None and rendered.thread_id is not None and mine != rendered.thread_id:
            if self.weak is None:
                return False
            before = self.weak
        elif (
            before is not NOTHING
            and before.weak
            and self.given.thread_id is None
            and before.plain.keys() - rendered.plain.keys()
        ):
            self.given = before  # It stays on the span until a name takes its place.
        self._stamp(span, attributes_of(span), rendered, before)
        self.stamped = rendered
        return True

    def give_back(self) -> None:
        """Hold the lent name no longer as its scope's, so that a name from below may take its place."""
        self.borrowed = False
        self.given, self.stamped = self.stamped, NOTHING

    def give(self, gift: Conversation, rendered: Rendered) -> bool:
        """Stamp the name of a scope below; False where the span has a thread of its own. Needs the lock."""
        if (span := self._recording()) is None:
            return True
        present = attributes_of(span)
        if self.thread_id is None and SESSION_ID in present:
            return False
        if self.given is NOTHING and self.stamped is NOTHING:
            spans_stamped.add()
        self._stamp(span, present, rendered, self.given)
        self.gift, self.given = gift, rendered
        self.hide_user(span)
        if self.root:
            follow(self, span)
        return True

    def put_by(self, stamped: Rendered, genai: bool) -> Attributes:
        """Return what `stamped` put on the span: not what its creator had set."""
        found = stamped.for_span(genai, self.root)
        return {key: value for key, value in found.items() if key not in self.theirs} if self.theirs else found

    def _stamp(self, span: RecordingSpan, present: Attributes, rendered: Rendered, before: Rendered) -> None:
        genai = self.genai = self.genai or has_genai_key(present)
        ours = self.put_by(before, genai) if before is not NOTHING else None
        self.stamper.stamp(span, present, rendered.for_span(genai, self.root), rendered, ours)


def open_span_in(context: Context) -> OpenSpan | None:
    """Return what hangs on the span of `context`."""
    return open_span_of(context.get(SPAN_KEY))


def open_span_of(span: object) -> OpenSpan | None:
    """Return what hangs on `span`: nothing where it does not record, or started before we were on."""
    found: OpenSpan | None = getattr(span, HANGS_AS, None)
    return found if found is not None or span is None else open_span_within(span)


def open_span_within(span: object) -> OpenSpan | None:
    """Return what hangs on the span that `span` is a wrapper of: Laminar has one of its own around each."""
    found: OpenSpan | None = getattr(getattr(span, "span", None), HANGS_AS, None)
    return found
