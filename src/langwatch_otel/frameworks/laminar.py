"""Finds the tracer provider that Laminar keeps to itself where there is one already: it is set nowhere."""

import functools
import sys
from collections.abc import Callable
from typing import Any

from langwatch_otel._guard import guarded

from .wrapping import MethodWrapper

_add: Callable[[Any], None] | None = None


def follow(add: Callable[[Any], None]) -> None:
    """Call `add` with the provider of Laminar's spans, now or once Laminar is initialized."""
    global _add
    _add = add
    _initialize.on()
    _tell()


def follow_off() -> None:
    """Leave Laminar's method as it was."""
    global _add
    _add = None
    _initialize.off()


def _tell() -> None:
    laminar: Any = sys.modules.get("lmnr")
    if laminar is None or _add is None:
        return
    with guarded("following Laminar"):
        provider = laminar.get_laminar_tracer_provider()  # The global one, before Laminar is initialized.
        if hasattr(provider, "add_span_processor"):
            _add(provider)


def _telling(initialize: Any) -> Any:
    @functools.wraps(initialize.__func__)
    def told(cls: Any, *args: Any, **kwargs: Any) -> Any:
        result = initialize.__func__(cls, *args, **kwargs)
        if _initialize.active:
            _tell()
        return result

    return classmethod(told)


_initialize = MethodWrapper("lmnr.sdk.laminar", "Laminar", "initialize", _telling)
