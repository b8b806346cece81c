"""Hearing of what is set globally later: a setter of the OpenTelemetry API, wrapped while we are on."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from ._fork import free_after_fork
from ._guard import guarded

P = ParamSpec("P")
R = TypeVar("R")

_changing = free_after_fork(threading.RLock())


def one_at_a_time(function: Callable[P, R]) -> Callable[P, R]:
    """Have one thread at a time turn the plugin on or off, or set what it hears of: two would add a processor each."""

    @functools.wraps(function)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with _changing:
            return function(*args, **kwargs)

    return alone


class SetterHook:
    """One function of a module, wrapped between `on` and `off`, so that `heard` is called after it, with the same.

    Where `instead` says that it took what was to be set, the function is not called.
    """

    def __init__(
        self, module: Any, name: str, heard: Callable[..., None], instead: Callable[..., bool] | None = None
    ) -> None:
        self._module, self._name, self._heard, self._instead = module, name, heard, instead
        self._active = False
        self.original: Callable[..., None] | None = None
        self._hook: Callable[..., None] | None = None

    def on(self) -> bool:
        """Wrap the function; False where there is none of that name."""
        self._active = True
        now = getattr(self._module, self._name, None)
        # Where somebody put back what was there before us, ours is gone; else it is in place, perhaps below theirs.
        if self.original is not None and now is not self.original:
            return True
        if now is None:
            return False
        original: Callable[..., None] = now

        @one_at_a_time
        def set_and_tell(*args: Any, **kwargs: Any) -> None:
            ours = self._active and self._hook is set_and_tell
            if not (ours and self._took(args, kwargs)):
                original(*args, **kwargs)
            if ours:
                with guarded("hearing of what was set later"):
                    self._heard(*args, **kwargs)

        self.original, self._hook = original, set_and_tell
        setattr(self._module, self._name, set_and_tell)
        return True

    def _took(self, args: Any, kwargs: Any) -> bool:
        if self._instead is not None:
            with guarded("making way for what was set later"):
                return self._instead(*args, **kwargs)
        return False

    def off(self) -> None:
        """Put the function back; where somebody else's is on top, ours stays below it and does nothing."""
        self._active = False
        if self.original is not None and getattr(self._module, self._name) is self._hook:
            setattr(self._module, self._name, self.original)
            self.original = None
