"""What a reading made of values that came before: most spans say no more than one before them."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Generic, TypeVar

from .grouped import Attributes, Grouped

T = TypeVar("T")
Reading = Callable[[Grouped, Attributes], T]

MAX_REMEMBERED = 1024
"""Findings that are remembered, of all keys together."""
MAX_REMEMBERED_TEXT = 2048
"""Characters of the values of one span that are remembered."""
_TEXT, _TEXTS = {str}, {str, tuple}


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


class Remembered(dict[Any, T], Generic[T]):
    """What `reading` makes of some keys, by their values: of the same short texts it is asked once."""

    __slots__ = ("_keys", "_memory", "_reading", "_values")

    def __init__(self, keys: Grouped, reading: Reading[T], memory: Memory) -> None:
        super().__init__()
        self._keys = keys
        self._reading = reading
        self._memory = memory
        self._values: Callable[[Attributes], Any] = itemgetter(*keys.keys)
        memory.share(self)

    def read(self, attributes: Attributes) -> T:
        """Return what the keys of `attributes` say."""
        try:
            values = self._values(attributes)
            found = self.get(values)
        except TypeError:  # Lists have no hash.
            values, found = self._with_lists(attributes)
        return self._anew(values, attributes) if found is None else found

    def _anew(self, values: Any, attributes: Attributes) -> T:
        found = self._reading(self._keys, attributes)
        if values is not None and self._may_keep(values if type(values) is tuple else (values,)):
            self._memory.one_more()
            self[values] = found
        return found

    def _with_lists(self, attributes: Attributes) -> tuple[Any, T | None]:
        if self._values is not self._listed:
            self._values = self._listed  # From now on.
            try:
                values = self._listed(attributes)
                return values, self.get(values)
            except TypeError:
                self._values = _nothing
        return None, None

    def _listed(self, attributes: Attributes) -> Any:
        """Return the values with lists as tuples."""
        return tuple(
            [tuple(value) if type(value) is list else value for value in map(attributes.__getitem__, self._keys.keys)]
        )

    def _may_keep(self, values: tuple[Any, ...]) -> bool:
        """Say whether `values` may be remembered: short texts; from keys that have others nothing ever is."""
        kinds = set(map(type, values))
        if kinds == _TEXT:
            return sum(map(len, values)) <= MAX_REMEMBERED_TEXT
        if kinds <= _TEXTS:
            texts = [text for value in values for text in ((value,) if type(value) is str else value)]
            if set(map(type, texts)) <= _TEXT:
                return sum(map(len, texts)) <= MAX_REMEMBERED_TEXT
        self._values = _nothing  # 1 and True are equal, and are not read alike.
        return False


def _nothing(_: Attributes) -> None:
    return None
