"""Naming a scope: what it means for the scope itself, for those above it, and for a second name."""

from __future__ import annotations

import weakref

from opentelemetry.context import Context, attach, get_current

from . import context_baggage, counts
from . import scope as _scope
from ._guard import say_once, swallowed
from .beside import is_beside, open_beside
from .context_baggage import showing, shows_nothing
from .finding import current_scope, scope_in, within
from .identity import EMPTY, Conversation
from .loan import Loan, flow, is_by_framework, mixes, noted
from .open_span import HANGS_AS, SPAN_KEY, OpenSpan, open_span_in, sequence
from .privacy import Pseudonym
from .protection import hide_user_above, redacted, tell_what_is_left_out
from .rendering import NOTHING, Rendered, render
from .scope import Scope, refresh
from .scopes_above import said
from .weak_names import overrule


def open_scope(conversation: Conversation = EMPTY, adopt: bool = True, context: Context | None = None) -> Scope:
    """Open a scope below the one of `context`, or the current one; the caller attaches and closes it."""
    context = get_current() if context is None else context
    if context:
        held: OpenSpan | None = getattr(context.get(SPAN_KEY), HANGS_AS, None)
        above = scope_in(context, held)
        scope = Scope(above)
        scope.anchor = held
    else:
        above, scope = None, Scope()
    if not adopt:
        scope.sealed = True
    if above is not None and above.loan is not None and conversation.thread_id is None:
        _succeed(scope, above, above.loan)
    if conversation is not EMPTY:
        try:
            conversation = redacted(conversation)
            with _scope.lock:
                bind(scope, conversation)
        except Exception as error:  # Without its name, but not without its span.
            swallowed("naming a scope", error)
    if scope.request is not None and scope.named.thread_id is None:
        scope.flow = noted(flow())  # A task below that names it may be one of several beside each other.
    return scope


def _succeed(scope: Scope, above: Scope, loan: Loan) -> None:
    """Let `scope` have what was lent above, where the scope that lent it is over."""
    giver, request = loan.giver(), above.in_request
    of_task = giver is not None and giver.of_task and loan.reaches(above)
    if not of_task and giver is not None and not giver.closed:
        return  # Beside it: gathered conversations never borrow each other's name.
    if not of_task and request is not None and not request.is_served:
        if loan.reaches(above):
            scope.heir_of = above  # One after the other in the same piece of code: it may be about to name itself.
        return
    if not loan.reaches(above):
        return
    with _scope.lock:
        scope.inherited = loan.conversation
        refresh(scope)


def name(conversation: Conversation, scope: Scope | None = None) -> Scope | None:
    """Name `scope`, else the current one, else a new one in the current context; return the one that was named.

    Ids are final: a different one opens a new scope in the current context, from there on.
    """
    if conversation is EMPTY:
        return scope
    if conversation[4] or conversation[3]:
        conversation = redacted(conversation)
    with _scope.lock:
        given = scope
        if scope is None and (scope := current_scope()) is None:
            scope = Scope()
            attach(within(scope))
        if scope.above is None and scope.named is EMPTY and not scope.implicit:
            scope.own = conversation  # Nothing around it, and nothing said so far: there is nothing to weigh.
            refresh(scope)
        else:
            if scope.named is not EMPTY and _conflicts(scope, conversation):
                scope = _second(scope) if given is None else _for_second(scope, conversation)
            if conversation[0] is not None:
                # Read before it is asked: most scopes know of no task.
                if (scope.flow is not None or scope.handler is not None) and is_beside(scope):
                    scope = open_beside(scope)
                if scope.implicit and scope.bound_in is None:
                    scope.bound_in = weakref.ref(flow())
            bind(scope, conversation)
    keeps_in = context_baggage.is_kept_in  # Read, not asked of a function: every turn comes by.
    if keeps_in is not None and keeps_in() and shows_nothing(context := get_current()):
        attach(showing(context, scope))  # The scope hangs on a span alone: a context does not change by itself.
    return scope


def _for_second(scope: Scope, conversation: Conversation) -> Scope:
    """Return the scope of a second name that came through a handle, which may be of another place."""
    current = current_scope()
    if current is None or current is scope or (scope.is_below(current) and not scope.of_task):
        return _second(scope)
    return _second(current) if _conflicts(current, conversation) else current


def _conflicts(scope: Scope, new: Conversation) -> bool:
    own, named = scope.own, scope.named
    return (
        (named.thread_id is not None and new.thread_id not in (None, named.thread_id) and not scope.rendered.weak)
        or (new.user_id is not None and own.user_id is not None and new.user_id != own.user_id)
        or (new.customer_id is not None and own.customer_id is not None and new.customer_id != own.customer_id)
    )


def _second(scope: Scope) -> Scope:
    """Open the scope of a second name below `scope` and attach it to the current context."""
    counts.second_names.add()
    say_once("a second thread, user or customer was named in one scope: it holds from there on, in that context")
    if scope.bound_in is not None and scope.bound_in() is not flow():
        scope.contested = True
    held = open_span_in(get_current())
    mine = held.scope if held is not None else None
    above: Scope = scope
    while above.successor and above is not mine and above.above is not None:
        above = above.above  # Turn after turn in one place: beside the last one, not below it.
    second = Scope(above)
    second.successor = True
    second.anchor = held
    second.sealed = scope.sealed
    if above is not scope:
        second.inherited = scope.own.over(scope.inherited)
    attach(within(second))
    return second


def bind(scope: Scope, conversation: Conversation) -> None:
    """Add `conversation` to what `scope` names, and stamp every open span that this concerns. Needs the lock."""
    scope.own = conversation if scope.own is EMPTY else conversation.over(scope.own)
    before, above, anchor = scope.named, scope.above, scope.anchor
    if above is not None and type(conversation.user_id) is Pseudonym:
        hide_user_above(above, conversation.user_id)
    if scope.rendered.inbound:
        overrule(scope, conversation)
    refresh(scope)
    if scope.named is not before and not scope.sealed:
        if anchor is not None:
            give_spans_above(scope, anchor, said(scope) if scope.rendered.inbound else scope.named)
        if above is not None:
            _give_scopes_above(scope, above)
    if anchor is not None and conversation.metadata and scope.rendered.root:
        tell_what_is_left_out(scope, anchor)


def suppose_turn(scope: Scope, found: Conversation) -> Scope:
    """Open, below `scope`, that of a turn whose message has `found` in it; attach it to the current context."""
    context = get_current()
    turn = Scope(scope)
    turn.anchor = open_span_in(context)
    with _scope.lock:
        turn.inbound = found
        refresh(turn)
        if turn.anchor is not None:
            give_spans_above(turn, turn.anchor, turn.named)
    attach(within(turn, context))
    return turn


def give_spans_above(scope: Scope, anchor: OpenSpan, named: Conversation) -> None:
    """Stamp each open span above that has no thread yet; stop at the first that has one."""
    by_word = not (scope.rendered.weak and named.thread_id is not None)
    gift, rendered = EMPTY, NOTHING
    inner = scope
    held: OpenSpan | None = anchor
    while held is not None:
        if not held.ended:
            if seals(inner, held.scope):
                return
            if held.borrowed and held.scope.named.thread_id is None:
                held.give_back()  # What was only lent to it gives way to a name from inside it.
            elif held.stamped.thread_id is not None and not (by_word and held.stamped.weak):
                return
            before = EMPTY if by_word and held.given.weak else held.gift
            if mixes(before, named):
                return
            new = named.over(before)
            if new == held.gift:
                return  # Whoever gave this gave it to all further up.
            if new != gift:
                gift, rendered = new, _render(new, scope)
            if not held.give(gift, rendered):
                return
            inner = held.scope
        held = held.parent


def _render(conversation: Conversation, scope: Scope) -> Rendered:
    return scope.rendered if conversation is scope.named else render(conversation)


def seals(inner: Scope, outer: Scope) -> bool:
    """Say whether a scope with `adopt=False` lies between `inner` and `outer`."""
    found: Scope | None = inner
    while found is not None and found is not outer:
        if found.sealed:
            return True
        found = found.above
    return False


def _give_scopes_above(scope: Scope, nearest: Scope) -> None:
    """Lend the name to the HTTP request that `scope` is part of, until the request names a second thread."""
    unnamed: list[Scope] = []
    above: Scope | None = nearest
    while above is not None:
        if above.named.thread_id is not None and not above.rendered.weak:
            return
        if above.sealed and not scope.of_task:
            return
        unnamed.append(above)
        if above.http is not None or above.sealed:
            break  # To what is sealed a task of its own lends, which would have named just that.
        above = above.above
    if above is None:
        return  # A batch root, a queue consumer, a websocket: what starts later there is nobody's.
    number = next(sequence)
    named = said(scope) if scope.rendered.inbound else scope.named
    for found in unnamed:
        loan = found.loan
        if found.loan_over:
            continue
        if loan is not None and mixes(loan.conversation, named):
            found.loan, found.loan_over = None, True
        else:
            lent = named if loan is None else named.over(loan.conversation)
            found.loan = Loan(lent, scope, found, number)
            if found.http is not None:
                _lend_spans(found, found.loan)


def _lend_spans(request: Scope, loan: Loan) -> None:
    """Stamp what the framework has open in the request: receiving, while the body is sent in another task."""
    for held in list(request.open):
        span = held.span()
        if span is not None and held.thread_id is None and is_by_framework(span, request):
            held.restamp(loan.rendered)
            held.borrowed = True
