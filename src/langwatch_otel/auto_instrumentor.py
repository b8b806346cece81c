"""What the entry point `opentelemetry_instrumentor` names: the plugin without a line of code."""

from __future__ import annotations

import os
from typing import Any

from ._guard import guarded, say_once
from .errors import ConfigurationError
from .instrumentor import LangWatchInstrumentor


class AutoInstrumentor(LangWatchInstrumentor):
    """Turn the plugin on from outside the application, by `opentelemetry-instrument` or declarative configuration.

    Raises nothing, because that would keep other instrumentors from loading: a wrong setting is logged, and its
    default holds. Does nothing where `OTEL_SDK_DISABLED` is true.
    """

    def instrument(
        self,
        tracer_provider: Any = None,
        logger_provider: Any = None,
        meter_provider: Any = None,
        **settings: Any,
    ) -> None:
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return
        settings["skip_dep_check"] = True
        with guarded("turning on"):
            try:
                super().instrument(tracer_provider, logger_provider, meter_provider, **settings)
            except ConfigurationError as error:  # A provider cannot be given in a file.
                say_once(f"{error}; the default holds")
                super().instrument(**settings)
