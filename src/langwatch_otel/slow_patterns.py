"""Regular expressions whose time doubles with each character: Python cannot stop one that has begun."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

# A group that repeats so often at most is slow, and not for ever.
_FEW = 4

_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")

_CATEGORIES: Mapping[str, Callable[[str], bool]] = {
    "DIGIT": str.isdecimal,
    "SPACE": str.isspace,
    "WORD": lambda letter: letter.isalnum() or letter == "_",
}


def doubles(pattern: str) -> bool:
    """Say whether `pattern` repeats a group that can take the same text in two ways, such as `(a+)+`.

    It knows the common kinds; that no other is slow is not promised.
    """
    try:  # Not public: where it has another name nothing is known to be slow.
        parse = import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse").parse
    except (ImportError, AttributeError):
        return False
    return _any_doubles(parse(pattern))


def _any_doubles(items: Iterable[Any]) -> bool:
    for kind, value in items:
        if str(kind) in _REPEATS and value[1] > _FEW and _takes_two_ways(list(_flat(value[2]))):
            return True
        if any(map(_any_doubles, _below(value))):
            return True
    return False


def _below(value: Any) -> Iterator[Any]:
    if type(value).__name__ == "SubPattern":
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
    varying = [value[2] for kind, value in items if kind in _REPEATS and value[0] != value[1]]
    signs = [chr(value) for kind, value in items if kind == "LITERAL"]
    return bool(varying) and not any(all(not _takes(part, sign) for part in varying) for sign in signs)


def _takes(items: Iterable[Any], sign: str) -> bool:
    """Say whether one of `items` may take the letter `sign`, in either case."""
    return any(_may_be(kind, value, each) for kind, value in _flat(items) for each in (sign.lower(), sign.upper()))


def _may_be(kind: str, value: Any, letter: str) -> bool:
    if kind in ("LITERAL", "NOT_LITERAL"):
        return (chr(value) in (letter.lower(), letter.upper())) is (kind == "LITERAL")
    if kind == "RANGE":
        return value[0] <= ord(letter) <= value[1] if len(letter) == 1 else True
    if kind == "CATEGORY":
        name = str(value).removeprefix("CATEGORY_")
        known = _CATEGORIES.get(name.removeprefix("NOT_"))
        return known is None or known(letter) is not name.startswith("NOT_")
    if kind == "IN":
        negated = str(value[0][0]) == "NEGATE"
        return any(_may_be(str(each), what, letter) for each, what in value[negated:]) is not negated
    return True


def _begin_apart(branches: list[Any]) -> bool:
    first = [next(_flat(branch), None) for branch in branches]
    return all(found is not None and found[0] == "LITERAL" for found in first) and len(set(first)) == len(first)
