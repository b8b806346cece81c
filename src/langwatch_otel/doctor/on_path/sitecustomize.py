"""What Python imports as it starts, before the program: begins the probe, then whatever stood here before.

`opentelemetry-instrument` begins the same way, so its module of this name is called next, and finds all as usual.
"""

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def _call_the_next() -> None:
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if "LANGWATCH_OTEL_DOCTOR" in os.environ:
    _here = str(Path(__file__).absolute().parent)
    _probe = import_module("langwatch_otel_probe")
    sys.path[:] = [path for path in sys.path if path != _here]
    _probe.listen(_here)
    try:
        _call_the_next()
    finally:
        _probe.begin()
