"""The scope's ids in the baggage of a context, where `baggage.get_baggage()` finds them, also after a late name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context

from .wire import KEYS

if TYPE_CHECKING:
    from _collections_abc import dict_items, dict_keys, dict_values
    from typing import Protocol

    from .identity import Conversation

    class Named(Protocol):
        """A scope, or what came in before there is one."""

        def in_force(self) -> Conversation: ...


is_kept_in: Callable[[], bool] | None = None
"""Says whether something keeps ids from strangers; None where nobody was asked to."""


def show(while_kept_in: Callable[[], bool] | None) -> None:
    """Show ids in contexts made from now on, as long as `while_kept_in()`.

    None shows none, in those made before neither.
    """
    global is_kept_in
    is_kept_in = while_kept_in


def is_shown() -> bool:
    """Say whether ids are shown."""
    return is_kept_in is not None and is_kept_in()


@cache
def baggage_key() -> str:
    """Return the key under which a context holds its baggage, asked of the public function."""
    from opentelemetry.baggage import set_baggage  # Slow to import, and of no use until the border is on.

    return next(iter(set_baggage("key", "value", Context())))


class OurId(str):
    """An id that we showed: to be known again where somebody copies baggage from one context to another."""

    __slots__ = ()


class ContextBaggage(dict[str, object]):
    """Baggage as OpenTelemetry's API wants it, a dict: the application's own entries, and over them a scope's ids.

    What the application set under one of our keys is its own, and hides ours.
    """

    # The dict below is empty: what reads it past these methods finds nothing of ours.
    def __init__(self, own: dict[str, object], named: Named, removed: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._own = own
        self._named = named
        self._removed = removed

    def own(self) -> dict[str, object]:
        """Return a copy of the application's own entries."""
        return self._own.copy()

    def _all(self) -> dict[str, object]:
        found = self._own.copy()
        if is_shown():
            conversation = self._named.in_force()
            for key, value in zip(KEYS, (conversation.thread_id, conversation.user_id), strict=True):
                if value is not None and key not in self._removed:
                    found.setdefault(key, OurId(value))
        return found

    # The API changes a copy only.
    def copy(self) -> ContextBaggage:
        return ContextBaggage(self._own.copy(), self._named, self._removed)

    def __setitem__(self, key: str, value: object) -> None:
        self._own[key] = value

    def pop(self, key: str, *default: Any) -> Any:
        found = self._all().pop(key, *default)
        self._own.pop(key, None)
        self._removed |= {key}
        return found

    def get(self, key: str, default: Any = None) -> Any:
        return self._all().get(key, default) if key in KEYS else self._own.get(key, default)

    def __getitem__(self, key: str) -> object:
        return self._all()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def keys(self) -> dict_keys[str, object]:
        return self._all().keys()

    def values(self) -> dict_values[str, object]:
        return self._all().values()

    def items(self) -> dict_items[str, object]:
        return self._all().items()

    def __eq__(self, other: object) -> bool:
        return self._all() == other

    def __ne__(self, other: object) -> bool:
        return self._all() != other

    __hash__ = None

    def __or__(self, other: Any) -> Any:
        return self._all() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._all()

    def __repr__(self) -> str:
        return repr(self._all())


def shows_nothing(context: Context) -> bool:
    """Say whether `context` has no ids of ours in its baggage."""
    return not isinstance(context.get(baggage_key()), ContextBaggage)


def showing(context: Context, named: Named) -> Context:
    """Return `context` with the ids of `named` in its baggage, whatever they will be."""
    return Context({**context, baggage_key(): ContextBaggage(own_baggage(context), named)})


def own_baggage(context: Context) -> dict[str, object]:
    """Return a copy of what the application, or another service, put into the baggage of `context`."""
    found = context.get(baggage_key())
    own: dict[str, object] = {}
    if isinstance(found, dict):
        own = found.own() if isinstance(found, ContextBaggage) else found.copy()
    for key in KEYS if own else ():
        if isinstance(own.get(key), OurId):
            del own[key]
    return own


def hides_ours(context: Context) -> Context:
    """Return `context` with the application's own baggage alone: what may be sent to anybody."""
    found = context.get(baggage_key())
    if not isinstance(found, dict):
        return context
    if not isinstance(found, ContextBaggage) and not any(isinstance(found.get(key), OurId) for key in KEYS):
        return context
    return Context({**context, baggage_key(): own_baggage(context)})
