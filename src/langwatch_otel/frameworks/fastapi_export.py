"""FastAPI's own exporter, from 0.142 on: not for spans that setup() sends to the same place already.

At start-up FastAPI adds an exporter for the endpoint that the environment names, 0.142 unless it is told not to, later
ones when `FASTAPI_OTEL_AUTO_CONFIGURE` asks for it. It looks at no other exporter, so every span would arrive twice.
"""

import functools
from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import get_tracer_provider

from langwatch_otel._guard import swallowed
from langwatch_otel._weak import ByObject

from .wrapping import Method, MethodWrapper, installed

_exporting: ByObject[bool] = ByObject()


def add_none(provider: Any) -> None:
    """Let FastAPI add no exporter to `provider`, which sends its spans where the environment says."""
    if installed("fastapi"):
        _exporting[provider] = True
        _hook.on()


def off() -> None:
    """Leave it to FastAPI again."""
    _exporting.clear()
    _hook.off()


def _configured(original: Method) -> Method:
    @functools.wraps(original)
    def configure(config: Any, *arguments: Any, **given: Any) -> Any:
        try:
            if _hook.active and isinstance(config, Mapping) and _provider_of(config) in _exporting:
                config = {**config, "tracing": False}
        except Exception as error:
            swallowed("keeping FastAPI from exporting twice", error)
        return original(config, *arguments, **given)

    return configure


def _provider_of(config: Mapping[str, Any]) -> Any:
    provider = config.get("tracer_provider")
    return get_tracer_provider() if provider is None else provider


_hook = MethodWrapper("fastapi.telemetry._runtime", "", "_configure_from_environment", _configured)
