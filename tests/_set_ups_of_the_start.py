"""Set-ups for the doctor in which OpenTelemetry does not start as it should, and what it says of them."""

import sys

from _doctor import AUTOMATIC, BASE, SetUp

OURS_ALONE = {"langwatch-otel": BASE["langwatch-otel"]}

START_DO = "see the error above; OTEL_PYTHON_DISABLED_INSTRUMENTATIONS leaves an instrumentor out"
OFF = ("plugin", "it is off", "see what failed as OpenTelemetry started, here and above")
NO_PROVIDER_AT_START = ("provider", "there is no tracer provider", "see what is said of the start and of the file")
NO_EXPORTER = ("provider", "it has no exporter", "OTEL_TRACES_EXPORTER=otlp; it is not set")


def not_configured(why):
    """The line for what ends the start of OpenTelemetry."""
    to_do = "see the error above: a variable of OpenTelemetry may have a value that it does not take"
    return "start", f"Configuration of first failed ({why})", to_do


START = {
    "an exporter that is misspelt": (
        SetUp(variables={"OTEL_TRACES_EXPORTER": "otpl"}),
        [
            (
                "start",
                "OTEL_TRACES_EXPORTER names otpl, which is not there (perhaps otlp)",
                "one of console, none, otlp, otlp_proto_grpc, otlp_proto_http",
            ),
            not_configured("RuntimeError"),
            OFF,
            NO_PROVIDER_AT_START,
        ],
    ),
    "a protocol that is none": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_PROTOCOL": "http"}),
        [
            ("start", "OTEL_EXPORTER_OTLP_PROTOCOL names http, which is not there", "one of grpc, http/protobuf"),
            not_configured("RuntimeError"),
            OFF,
            NO_PROVIDER_AT_START,
        ],
    ),
    "a propagator that is misspelt": (
        SetUp(variables={"OTEL_PROPAGATORS": "tracecontex,baggage"}),
        [
            (
                "start",
                "OTEL_PROPAGATORS names tracecontex, which is not there (perhaps tracecontext)",
                "one of baggage, none, tracecontext",
            )
        ],
    ),
    "a configurator that is not there": (
        SetUp(variables={"OTEL_PYTHON_CONFIGURATOR": "acme"}),
        [("start", "OTEL_PYTHON_CONFIGURATOR names acme, which is not there", "one of first"), NO_PROVIDER_AT_START],
    ),
    "a variable that the SDK refuses": (
        SetUp(variables={"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5000"}),
        [not_configured("ValueError"), OFF, (*NO_EXPORTER[:2], "see what is said of the start")],
    ),
    "no entry point": (
        SetUp(packages={**BASE, "langwatch-otel": ("0.1.0", {})}),
        [
            (
                "plugin",
                "its entry point is not among what is installed",
                "pip install --force-reinstall langwatch-otel; a folder on PYTHONPATH is not enough",
            ),
            OFF,
        ],
    ),
    "another instrumentor raises": (
        SetUp(packages={"a-broken": ("1.0", {"opentelemetry_instrumentor": {"b": "some_packages:Broken"}}), **BASE}),
        [
            ("start", "Instrumenting of b failed (KeyError)", START_DO),
            OFF,
        ],
    ),
    "turned off by a variable": (
        SetUp(variables={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}),
        [("plugin", "it is off", "take it out of OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")],
    ),
    "the SDK is disabled": (
        SetUp(variables={"OTEL_SDK_DISABLED": "true"}),
        [("plugin", "it is off", "unset OTEL_SDK_DISABLED")],
    ),
    "a second distro": (
        SetUp(packages={"a-silent": ("1.0", {"opentelemetry_distro": {"s": "some_packages:SilentDistro"}}), **BASE}),
        [
            (
                "start",
                "2 distros are installed: s of a-silent, first of a-distro",
                "uninstall one, or name one with OTEL_PYTHON_DISTRO",
            ),
            NO_EXPORTER,
        ],
    ),
    "a second distro of the same name": (
        SetUp(
            packages={"a-silent": ("1.0", {"opentelemetry_distro": {"first": "some_packages:SilentDistro"}}), **BASE},
            variables={"OTEL_PYTHON_DISTRO": "first"},
        ),
        [
            ("start", "2 distros are installed: first of a-silent, first of a-distro", "uninstall one"),
            NO_EXPORTER,
        ],
    ),
    "a distro that is not there": (
        SetUp(variables={"OTEL_PYTHON_DISTRO": "acme"}),
        [("start", "OTEL_PYTHON_DISTRO names acme, which is not installed", "one of first, or unset it"), NO_EXPORTER],
    ),
    "no distro": (
        SetUp(packages=OURS_ALONE, command=(*AUTOMATIC, sys.executable, "-c", "pass")),
        [
            ("start", "no configurator is installed", "pip install opentelemetry-distro"),
            NO_PROVIDER_AT_START,
        ],
    ),
    "a file without the package that reads it": (
        SetUp(variables={"OTEL_CONFIG_FILE": "otel.yaml"}),
        [
            (
                "file",
                "OTEL_CONFIG_FILE needs a package that is not installed",
                "pip install opentelemetry-configuration",
            ),
            OFF,
            NO_PROVIDER_AT_START,
        ],
    ),
}
