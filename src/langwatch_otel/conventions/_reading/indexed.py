"""Messages spread over attributes, as `llm.input_messages.0.message.content`: back into lists and objects."""

from collections.abc import Iterable
from typing import Any

from .parts import are_parts
from .values import parsed

MAX_STEPS = 12
"""Steps of one key; a longer one is passed over."""
MAX_DIGITS = 9
"""Digits of an index: nothing is as long as the index says, the order alone counts."""


def path_of(rest: str) -> tuple[str, ...]:
    """Return the steps of a key after its prefix, none where it does not begin with an index."""
    steps = tuple(rest.split(".", MAX_STEPS))
    return steps if len(steps) <= MAX_STEPS and _is_index(steps[0]) else ()


def gathered(leaves: Iterable[tuple[tuple[str, ...], Any]]) -> Any:
    """Return the lists and objects that the leaves are of; where two disagree, the deeper one stays."""
    root: dict[str, Any] = {}
    for path, value in leaves:
        node = root
        for step in path[:-1]:
            inner = node.get(step)
            if not isinstance(inner, dict):
                inner = node[step] = {}
            node = inner
        if not isinstance(node.get(path[-1]), dict):
            node[path[-1]] = value
    return _with_lists(root)


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    made = {step: _with_lists(inner) for step, inner in node.items()}
    # Attributes have no lists of objects, so older instrumentations wrote the parts of a message as JSON.
    if (
        isinstance(content := made.get("content"), str)
        and content.startswith("[{")
        and are_parts(found := parsed(content))
    ):
        made["content"] = found
    if all(map(_is_index, made)):
        return [made[step] for step in sorted(made, key=int)]
    return made


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) <= MAX_DIGITS
