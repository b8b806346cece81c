"""Prints the public names of the LangWatch SDK that is installed: `python langwatch_names.py > langwatch_names.json`.

A name of the package is public where the package says so: it is in `__all__`, or served by its `__getattr__`, or
is there after `import langwatch` and was defined in one of its modules. Left out are names with an underscore,
what the file imports for itself (`warn`, `TYPE_CHECKING`), and modules that are attributes only because
something imported them (`client`, `utils`, `telemetry`): programs import those by their own name.
Of a trace and of a span every attribute without an underscore counts; of a function, every argument.
"""

import inspect
import json
import warnings
from importlib.metadata import version
from types import ModuleType


def names_of_package(langwatch):
    """The names that the package names itself, and those that are there and are its own."""
    own = {
        name
        for name, value in vars(langwatch).items()
        if not isinstance(value, ModuleType) and str(getattr(value, "__module__", "")).startswith("langwatch")
    }
    return own.union(langwatch.__all__, langwatch._LAZY_MODULES, langwatch._LAZY_FACADES)


def arguments(function):
    """The names of the arguments, `self` left out, with `**kwargs` for any other."""
    found = inspect.signature(function).parameters.values()
    return {f"**{each.name}" if each.kind is each.VAR_KEYWORD else each.name for each in found} - {"self"}


def names():
    """{where: [name]} for the package, what its functions return, and what they take."""
    import langwatch

    with langwatch.trace() as trace, langwatch.span() as span:
        traces = {*dir(trace), *dir(langwatch.get_current_trace())}
        spans = {*dir(span), *dir(langwatch.get_current_span())}
        found = {
            "langwatch": names_of_package(langwatch),
            "Trace": traces,
            "Span": spans,
            "setup()": arguments(langwatch.setup),
            "ensure_setup()": arguments(langwatch.ensure_setup),
            "trace()": arguments(langwatch.trace),
            "span()": arguments(langwatch.span),
            "get_current_trace()": arguments(langwatch.get_current_trace),
            "get_current_span()": arguments(langwatch.get_current_span),
            "Trace.update()": arguments(trace.update),
            "Span.update()": arguments(span.update),
            "Span.end()": arguments(span.end),
        }
    return {where: sorted(name for name in all_ if name[0] != "_") for where, all_ in found.items()}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({"version": version("langwatch"), "names": names()}, indent=1))
