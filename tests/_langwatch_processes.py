"""What setup() is given by a program that was written for the LangWatch SDK, in processes of their own."""

import subprocess
import sys

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from _endpoint import endpoint
from _servers import clean_environment


class Instrumentor(BaseInstrumentor):
    """An instrumentor that a program passes, and that says when it is turned on."""

    def instrumentation_dependencies(self):
        return ()

    def _instrument(self, **_):
        print("turned on")

    def _uninstrument(self, **_): ...


PROGRAM = """
import logging, os
from types import SimpleNamespace as Rule
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from _langwatch_processes import Instrumentor
import langwatch_otel as langwatch
given = TracerProvider()
{call}
with langwatch.trace():
    pass
provider = trace.get_tracer_provider()
{show}
if hasattr(provider, "force_flush"):
    provider.force_flush()
"""

LANGWATCH = [("/api/otel/v1/traces", "Bearer key")]
OTLP = [("/v1/traces", None)]

# {(where, name): (what is called, what is shown, what is printed, what LangWatch or the collector hears)}
PROCESSES = {
    ("setup()", "api_key"): ("langwatch.setup(api_key='key')", "", "", LANGWATCH),
    ("setup()", "endpoint_url"): (
        "langwatch.setup(endpoint_url=os.environ['LANGWATCH_ENDPOINT'], api_key='key')",
        "",
        "",
        LANGWATCH,
    ),
    ("setup()", "base_attributes"): (
        "langwatch.setup(base_attributes={'team': 'a'})",
        "print(provider.resource.attributes['team'])",
        "a",
        OTLP,
    ),
    ("setup()", "tracer_provider"): ("print(langwatch.setup(tracer_provider=given) is given)", "", "True", OTLP),
    ("setup()", "instrumentors"): ("langwatch.setup(instrumentors=[Instrumentor()])", "", "turned on", OTLP),
    ("setup()", "span_exclude_rules"): (
        "langwatch.setup(span_exclude_rules=[Rule(field_name='span_name', match_operation='includes',"
        " match_value='trac')])",
        "",
        "",
        [],
    ),
    ("setup()", "debug"): (
        "langwatch.setup(debug=True)",
        "print(logging.getLogger('langwatch_otel').level)",
        "10",
        OTLP,
    ),
    ("ensure_setup()", "api_key"): ("langwatch.ensure_setup(api_key='key')", "", "", LANGWATCH),
    ("langwatch", "setup"): ("langwatch.setup()", "", "", OTLP),
    ("langwatch", "ensure_setup"): (
        "langwatch.ensure_setup()",
        "print(type(provider).__name__)",
        "ProxyTracerProvider",
        [],
    ),
}


def ran(call, show):
    """Run the program; return what it printed, and (path, Authorization) of each request that was heard."""
    with endpoint() as heard:
        # An API key alone means LangWatch; where nothing is named, OTLP's own settings hold.
        otlp = {} if "key" in call else {"OTEL_EXPORTER_OTLP_ENDPOINT": heard.url}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(call=call, show=show)],
            env=clean_environment(PYTHONPATH="src:tests", LANGWATCH_ENDPOINT=heard.url, **otlp),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip(), sorted({(path, key) for path, key, _ in heard.requests})
