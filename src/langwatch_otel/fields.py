"""What a decorator was told about the conversation: values, paths into the arguments, or callables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._guard import swallowed
from .capture import is_framework_object
from .identity import EMPTY, Conversation, conversation_of

FIELDS = ("thread_id", "user_id", "customer_id", "labels", "metadata")


class Arg:
    """A path into the arguments of the decorated call."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._steps = tuple(path.split("."))

    def __repr__(self) -> str:
        return f"arg({self.path!r})"

    def find(self, arguments: Mapping[str, Any]) -> Any:
        """Return what the path leads to, or None where a step is missing."""
        found: Any = arguments
        for step in self._steps:
            found = _step(found, step)
            if found is None:
                return None
        return found


def arg(path: str) -> Arg:
    """Take a field from the decorated call's arguments: `arg("request.thread_id")`, `arg("messages.0.id")`.

    A step is an attribute, a mapping's key or a sequence's index; a missing one gives nothing.
    """
    if not isinstance(path, str) or not all(path.split(".")):
        raise ValueError(f"arg() takes names joined by dots, such as 'request.thread_id', got {path!r}")
    return Arg(path)


def _step(found: Any, step: str) -> Any:
    if is_framework_object(found) and (value := getattr(found, step, None)) is not None:
        return value  # A Starlette request is a mapping too: its attributes are meant.
    if isinstance(found, Mapping):
        return found.get(step)
    if isinstance(found, Sequence) and not isinstance(found, (str, bytes)) and step.lstrip("-").isdigit():
        index = int(step)
        return found[index] if -len(found) <= index < len(found) else None
    return getattr(found, step, None)


class Fields:
    """The conversation that a decorator's or a context manager's arguments name."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = {field: given[field] for field in FIELDS if given.get(field) is not None}
        values = [*self._given.values()]
        if isinstance(metadata := self._given.get("metadata"), Mapping):
            try:
                values.extend(metadata.values())
            except Exception as error:  # A mapping of the user's own making.
                swallowed("reading metadata", error)
                del self._given["metadata"]
        self.needs_arguments = any(isinstance(value, Arg) or callable(value) for value in values)

    @property
    def are_given(self) -> bool:
        """Whether there is any."""
        return bool(self._given)

    def resolve(self, arguments: Mapping[str, Any]) -> Conversation:
        """Return the conversation; a field whose callable raises is left out, logged once."""
        if not self._given:
            return EMPTY
        if not self.needs_arguments:
            return conversation_of(**self._given)
        found = {field: _resolve(value, arguments) for field, value in self._given.items()}
        if isinstance(metadata := found.get("metadata"), Mapping):
            try:
                found["metadata"] = {key: _resolve(value, arguments) for key, value in metadata.items()}
            except Exception as error:
                swallowed("reading metadata", error)
                del found["metadata"]
        return conversation_of(**found)


def _resolve(value: Any, arguments: Mapping[str, Any]) -> Any:
    try:
        if isinstance(value, Arg):
            return value.find(arguments)
        return value(**arguments) if callable(value) else value
    except Exception as error:
        swallowed("taking a field from a call's arguments", error)
        return None
