"""What a reading made of values that came before: most spans say no more than one before them."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .grouped import Attributes, Grouped

T = TypeVar("T")
Reading = Callable[[Grouped, Attributes], T]

MAX_REMEMBERED = 1024
"""Findings that are remembered, of all keys together."""
MAX_REMEMBERED_TEXT = 2048
"""Characters of the values of one span that are remembered."""
_TEXT = {str}


class Memory:
    """Bounds what several readings remember: when it is full, all of it goes."""

    def __init__(self) -> None:
        self._count = 0
        self._of: list[Remembered[Any]] = []

    def share(self, remembered: "Remembered[Any]") -> None:
        """Count what `remembered` remembers, too."""
        self._of.append(remembered)

    def one_more(self) -> None:
        """Make room for one finding."""
        self._count += 1
        if self._count > MAX_REMEMBERED:
            self.forget()

    def forget(self) -> None:
        """Keep nothing of what the values of keys said."""
        self._count = 0
        for remembered in tuple(self._of):
            remembered.clear()

    def drop(self) -> None:
        """Forget also who remembers."""
        self.forget()
        self._of.clear()


class Remembered(dict[tuple[Any, ...], T], Generic[T]):
    """What `reading` makes of some keys, by their values: of the same short texts it is asked once.

    What is `changeable` each asker gets anew: one must not see what another does with it.
    """

    __slots__ = ("_changeable", "_keys", "_lists", "_memory", "_reading", "_values")

    def __init__(
        self, keys: Grouped, reading: Reading[T], memory: Memory, changeable: Callable[[T], bool] | None = None
    ) -> None:
        super().__init__()
        self._keys = keys
        self._reading = reading
        self._changeable = changeable
        self._memory = memory
        self._values: Callable[[Attributes], tuple[Any, ...] | None] = keys.values
        self._lists: set[int] = set()  # Places of values that have been lists.
        memory.share(self)

    def read(self, attributes: Attributes) -> T:
        """Return what the keys of `attributes` say."""
        try:
            found = self.get(values) if (values := self._values(attributes)) is not None else None
        except TypeError:  # Lists have no hash.
            values, found = self._with_lists(attributes)
        return self._anew(values, attributes) if found is None else found

    def _anew(self, values: tuple[Any, ...] | None, attributes: Attributes) -> T:
        found = self._reading(self._keys, attributes)
        if values is not None and self._may_keep(values) and not (self._changeable and self._changeable(found)):
            self._memory.one_more()
            if len(self) >= MAX_REMEMBERED:  # Dropped by the memory while another thread was making it.
                self.clear()
            self[values] = found
        return found

    def _with_lists(self, attributes: Attributes) -> tuple[tuple[Any, ...] | None, T | None]:
        given = map(attributes.__getitem__, self._keys.keys)
        # Another set, and not this one with more in it: another thread may be going through it.
        self._lists = self._lists | {place for place, value in enumerate(given) if type(value) is list}
        self._values = self._listed  # From now on.
        try:
            values = self._listed(attributes)
            return values, self.get(values)
        except TypeError:
            self._values = _nothing
        return None, None

    def _listed(self, attributes: Attributes) -> tuple[Any, ...]:
        """Return the values with lists as tuples."""
        values = list(map(attributes.__getitem__, self._keys.keys))
        for place in self._lists:
            if type(values[place]) is list:
                values[place] = tuple(values[place])
        return tuple(values)

    def _may_keep(self, values: tuple[Any, ...]) -> bool:
        """Say whether `values` may be remembered: short texts; from keys that have others nothing ever is."""
        length = len(values)  # Empty texts take room too.
        for value in values:
            if type(value) is str:
                length += len(value)
            elif type(value) is tuple and set(map(type, value)) <= _TEXT:
                length += len(value) + sum(map(len, value))
            else:
                self._values = _nothing  # 1 and True are equal, and are not read alike.
                return False
        return length <= MAX_REMEMBERED_TEXT


def _nothing(_: Attributes) -> None:
    return None
