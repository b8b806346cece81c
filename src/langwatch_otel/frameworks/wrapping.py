"""A method or a function of somebody else's, wrapped while we are on, whether its module is imported yet or not."""

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable
from typing import Any

from langwatch_otel._fork import free_after_fork
from langwatch_otel._guard import guarded

Method = Callable[..., Any]


class ImportHook:
    """Calls `then` with a module once that is imported, now or later; told again and again, one waits at most."""

    def __init__(self, module: str, then: Callable[[Any], None]) -> None:
        self._module = module
        self._then = then
        self._waiting = False

    def on(self) -> bool:
        """Call `then` now where the module is there already, or nobody can tell of its import; else return True."""
        if self._module not in sys.modules and self._wait():
            return True
        with guarded(f"hooking {self._module}"):
            # Holding no lock of ours: an import takes locks of its own, and may call us back.
            self._then(importlib.import_module(self._module))
        return False

    def _wait(self) -> bool:
        try:
            from wrapt import register_post_import_hook
        except ImportError:
            return False
        # A hook cannot be taken back.
        if not self._waiting:
            self._waiting = True
            register_post_import_hook(self._imported, self._module)
        return True

    def _imported(self, module: Any) -> None:
        self._waiting = False
        with guarded(f"hooking {self._module}"):
            self._then(module)


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
        self._import = ImportHook(module, self._place)
        self._lock = free_after_fork(threading.Lock())

    def on(self) -> bool:
        """Wrap the method as soon as its module is there; return whether it can be."""
        if not installed(self._module.partition(".")[0]):
            return False
        self.active = True
        return self._import.on() or self._placed is not None

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
