"""Regular expressions whose time doubles with each character: Python cannot stop one that has begun."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

_parser: Any = import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

# A group that repeats so often at most is slow, and not for ever.
_FEW = 4

_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")


def doubles(pattern: str) -> bool:
    """Say whether `pattern` repeats a group that can take the same text in two ways, such as `(a+)+`.

    It knows the common kinds; that no other is slow is not promised.
    """
    return _any_doubles(_parser.parse(pattern))


def _any_doubles(items: Iterable[Any]) -> bool:
    for kind, value in items:
        if str(kind) in _REPEATS and value[1] > _FEW and _takes_two_ways(list(_flat(value[2]))):
            return True
        if any(map(_any_doubles, _below(value))):
            return True
    return False


def _below(value: Any) -> Iterator[Any]:
    if isinstance(value, _parser.SubPattern):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _below(each)


def _flat(items: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for kind, value in items:
        if str(kind) == "SUBPATTERN":
            yield from _flat(value[-1])
        else:
            yield str(kind), value


def _takes_two_ways(items: list[tuple[str, Any]]) -> bool:
    """Say whether nothing shows where one round of a repeat of `items` ends and the next begins."""
    if any(kind == "BRANCH" and not _begin_apart(value[1]) for kind, value in items):
        return True
    varies = any(kind in _REPEATS and value[0] != value[1] for kind, value in items)
    return varies and all(kind != "LITERAL" for kind, _ in items)


def _begin_apart(branches: list[Any]) -> bool:
    first = [next(_flat(branch), None) for branch in branches]
    return all(found is not None and found[0] == "LITERAL" for found in first) and len(set(first)) == len(first)
