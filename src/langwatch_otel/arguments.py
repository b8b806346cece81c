"""The arguments of a decorated call, by the names that the function gives them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from .functions import signature_of

_NOTHING: Mapping[str, Any] = {}


class Arguments:
    """Binds calls of one function as `inspect.Signature` does, in fewer steps where its parameters are plain."""

    def __init__(self, function: Any) -> None:
        self._signature = signature_of(function)
        parameters = self._signature.parameters if self._signature is not None else {}
        plain = all(each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for each in parameters.values())
        self._names = tuple(parameters) if plain else None
        self._known = parameters.keys()
        self._defaults = {
            name: each.default for name, each in parameters.items() if each.default is not inspect.Parameter.empty
        }
        self.hidden = _hidden(self._signature)
        """The parameters that are never recorded: self, cls and what FastAPI injects."""

    def of(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments of a call by parameter name, defaults included; nothing for a call that fails."""
        if self._signature is None:
            return kwargs
        if self._names is None or len(args) > len(self._names):
            return self._bound(self._signature, args, kwargs)
        found = dict(zip(self._names, args, strict=False))
        if len(found) == len(self._names) and not kwargs:
            return found
        twice = not found.keys().isdisjoint(kwargs)
        found = {**self._defaults, **found, **kwargs}
        if twice or found.keys() != self._known:
            return _NOTHING  # One is given twice, missing or unknown: the call itself is about to say so.
        return {name: found[name] for name in self._names}

    def _bound(
        self, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return _NOTHING
        bound.apply_defaults()
        found: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                found.update(value)
            else:
                found[name] = value
        return found


def _hidden(signature: inspect.Signature | None) -> frozenset[str]:
    hidden: set[str] = set()
    for index, parameter in enumerate(signature.parameters.values() if signature is not None else ()):
        marks = (parameter.default, *getattr(parameter.annotation, "__metadata__", ()))
        injected = any(type(mark).__name__ in ("Depends", "Security") for mark in marks)
        if injected or (index == 0 and parameter.name in ("self", "cls")):
            hidden.add(parameter.name)
    return frozenset(hidden)
