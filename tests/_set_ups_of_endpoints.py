"""Set-ups for the doctor in which no span arrives, and what it says of them."""

import sys

from _doctor import SetUp

SECRET = "hunter2"

# It would go before the certificate that is named.
NO_BUNDLE = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}

OTHER_PROTOCOL = "start what should listen there, or OTEL_EXPORTER_OTLP_PROTOCOL={} if it speaks that"


def not_taken(where, why, to_do="start what should listen there, or set OTEL_EXPORTER_OTLP_ENDPOINT to where it is"):
    """The line for an endpoint that does not take an export."""
    return "endpoint", f"{where} did not take an empty export: {why}", to_do


ENDPOINTS = {
    "nothing listens at the endpoint": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "nobody"}),
        [not_taken("http://127.0.0.1:PORT by http/protobuf", "ConnectionRefusedError")],
    ),
    "the endpoint wants a key": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "refuses", "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRET}"}),
        [
            not_taken(
                "http://127.0.0.1:PORT by http/protobuf",
                "HTTP 401",
                "see to the credentials in OTEL_EXPORTER_OTLP_HEADERS, or LANGWATCH_API_KEY",
            )
        ],
    ),
    "a path that is not there, of a program that is over": (
        SetUp(
            variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "a path"},
            command=(sys.executable, "-c", "import langwatch_otel; langwatch_otel.setup(instrumentors=[])"),
        ),
        [
            not_taken(
                "http://127.0.0.1:PORT by http/protobuf",
                "HTTP 404",
                "OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces appended, "
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is",
            )
        ],
    ),
    "another protocol": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
        [not_taken("127.0.0.1:PORT by grpc", "gRPC UNAVAILABLE", OTHER_PROTOCOL.format("http/protobuf"))],
    ),
    "another protocol at the other end": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc"}),
        [not_taken("http://127.0.0.1:PORT by http/protobuf", "BadStatusLine", OTHER_PROTOCOL.format("grpc"))],
    ),
    "an endpoint without http://": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "no scheme"}),
        [
            not_taken(
                "127.0.0.1:PORT by http/protobuf",
                "InvalidSchema",
                "begin OTEL_EXPORTER_OTLP_ENDPOINT with http:// or https://, and name host and port",
            )
        ],
    ),
    "a certificate that is not there": (
        SetUp(
            variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "https", "OTEL_EXPORTER_OTLP_CERTIFICATE": "no.pem", **NO_BUNDLE}
        ),
        [
            not_taken(
                "https://127.0.0.1:PORT by http/protobuf",
                "OSError",
                "OTEL_EXPORTER_OTLP_CERTIFICATE and its like name files that can be read",
            )
        ],
    ),
    "headers that are none": (
        SetUp(variables={"OTEL_EXPORTER_OTLP_HEADERS": f"Authorization Bearer {SECRET}"}),
        [
            (
                "settings",
                "a variable of headers, such as OTEL_EXPORTER_OTLP_HEADERS, has what is no NAME=VALUE",
                "NAME=VALUE, several by comma; in a value %20 is a space",
            )
        ],
    ),
}
