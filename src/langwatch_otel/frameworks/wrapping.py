"""A method or a function of somebody else's, wrapped while we are on, whether its module is imported yet or not."""

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable
from typing import Any

from langwatch_otel._guard import guarded

Method = Callable[..., Any]


class MethodWrapper:
    """One method of one class, or where `owner` is empty one function of a module, wrapped between `on` and `off`.

    `wrap` gets the method as it is and returns its replacement, which asks `active` at each call: a
    replacement that somebody has wrapped in turn cannot be taken out, so it must be able to do nothing.
    """

    def __init__(self, module: str, owner: str, method: str, wrap: Callable[[Method], Method]) -> None:
        self.active = False
        self._module = module
        self._owner = owner
        self._method = method
        self._wrap = wrap
        self._placed: tuple[Any, Method, Method] | None = None
        self._waiting = False
        self._lock = threading.Lock()

    def on(self) -> bool:
        """Wrap the method as soon as its module is there; return whether it can be."""
        if not installed(self._module.partition(".")[0]):
            return False
        self.active = True
        if self._module not in sys.modules and self._wait():
            return True
        with guarded(f"wrapping {self._module}.{self._owner}"):
            # Outside of our lock: an import takes locks of its own, and may call us back.
            self._place(importlib.import_module(self._module))
        return self._placed is not None

    def off(self) -> None:
        """Put the method back; if somebody wrapped ours since, leave it there doing nothing."""
        with self._lock:
            self.active = False
            if self._placed is None:
                return
            owner, original, replacement = self._placed
            if owner.__dict__.get(self._method) is replacement:
                setattr(owner, self._method, original)
                self._placed = None

    def _wait(self) -> bool:
        """Ask to be told of the import; return False where nobody can tell."""
        try:
            from wrapt import register_post_import_hook
        except ImportError:
            return False
        # A hook cannot be taken back: at most one waits, however often we go on and off.
        if not self._waiting:
            self._waiting = True
            register_post_import_hook(self._imported, self._module)
        return True

    def _imported(self, module: Any) -> None:
        self._waiting = False
        with guarded(f"wrapping {self._module}.{self._owner}"):
            self._place(module)

    def _place(self, module: Any) -> None:
        with self._lock:
            if not self.active or self._is_in_place():
                return
            # An instrumentor may have put a subclass in the class's place; the method is further up.
            owners = getattr(module, self._owner).__mro__ if self._owner else (module,)
            owner = next(each for each in owners if self._method in vars(each))
            original = vars(owner)[self._method]
            replacement = self._wrap(original)
            setattr(owner, self._method, replacement)
            self._placed = (owner, original, replacement)

    def _is_in_place(self) -> bool:
        if self._placed is None:
            return False
        owner, original, replacement = self._placed
        now = owner.__dict__.get(self._method)
        while now is not None and now is not replacement and now is not original:
            now = getattr(now, "__wrapped__", None)
        return now is not original  # Somebody put back what was there before us; else ours is below theirs.


def installed(name: str) -> bool:
    """Return whether `name` can be imported; its parents are imported, itself is not."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
