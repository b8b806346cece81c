"""The Collector with collector-config.yaml, and an application, where a backend refuses, or has a private authority."""

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from _collector import BASE, Collector, needs_collector, span, to, wait_until
from _collector_application import LONGEST_TURN, Application
from langwatch_otel.workbench.otlp import decode

pytestmark = needs_collector


class Backend:
    """An OTLP backend that answers as it is told before it takes anything; notes when what came."""

    def __init__(self, *answers, context=None):
        self.times, self.spans = [], []
        left, backend = list(answers), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                backend.times.append(time.monotonic())
                status, headers = left.pop(0) if left else (200, {})
                if status == 200:
                    encoding = self.headers.get("Content-Encoding", "")
                    backend.spans += decode(body, self.headers["Content-Type"], encoding)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args): ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        self.endpoint = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()

    @property
    def names(self):
        """The names of the spans that it took."""
        return [one.name for one in self.spans]


def failed(collector):
    """{exporter: spans} that its own metrics say were given up."""
    return collector.counted("exporter_send_failed_spans", "exporter")


def test_a_401_gives_up_for_that_backend_alone_and_says_so(tmp_path):
    """What one backend refuses is lost to it, counted and logged; others get everything, and the next span is sent."""
    with Backend((401, {})) as full, Backend() as protected:
        environment = {**to(full, "full"), **to(protected, "protected"), "FULL_AUTHORIZATION": "Bearer a-wrong-key"}
        with Collector(tmp_path, **environment) as collector:
            collector.send(span("refused"))
            wait_until(lambda: "401" in collector.log and protected.names)
            assert failed(collector).get("otlp_http/full") == 1
            collector.send(span("next"))
            wait_until(lambda: full.names and len(protected.names) == 2)
            assert (full.names, sorted(protected.names), len(full.times)) == (["next"], ["next", "refused"], 2)
            assert "a-wrong-key" not in collector.log


def test_a_429_is_sent_again_when_the_backend_says(tmp_path):
    """Retry-After is kept to, and nothing is lost or comes twice."""
    with Backend((429, {"Retry-After": "3"})) as full, Collector(tmp_path, **to(full, "full")) as collector:
        collector.send(span("too many"))
        wait_until(lambda: full.names)
        first, second = full.times
    assert (full.names, 3 <= second - first < 8) == (["too many"], True)


@pytest.mark.parametrize("answer", [(401, {}), (429, {"Retry-After": "1"})], ids=["401", "429"])
def test_an_application_goes_on_when_it_is_refused(answer):
    """Without a Collector between: a 401 loses a batch and is logged, a 429 waits; turns are as long as ever."""
    with Backend(answer) as backend:
        result, logged = Application(2, backend.endpoint).result()
    lost = result["spans"] - len(backend.spans)
    assert (lost > 0, "401" in logged, result["longest"] < LONGEST_TURN) == (answer[0] == 401, answer[0] == 401, True)


BEHIND_TLS = """
receivers:
  otlp:
    protocols:
      grpc: {{tls: {{cert_file: {folder}/server.pem, key_file: {folder}/server.key}}}}
      http: {{tls: {{cert_file: {folder}/server.pem, key_file: {folder}/server.key}}}}
exporters:
  otlp_http/full: {{tls: {{ca_file: {folder}/authority.pem}}}}
"""


@pytest.fixture
def authority(tmp_path):
    """The TLS side of a backend, with files beside it: a private authority, a certificate of it and its key."""
    trustme = pytest.importorskip("trustme")
    issuer, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = issuer.issue_cert("127.0.0.1", "localhost")
    certificate.configure_cert(context)
    issuer.cert_pem.write_to_path(tmp_path / "authority.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "server.key")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(tmp_path / "server.pem", append=True)
    return context


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_private_authority_is_trusted_where_it_is_named(tmp_path, authority, protocol):
    """From `setup()` over TLS to the Collector, and on over TLS: with the authority's file all spans arrive."""
    with Backend(context=authority) as backend:
        configs = (BASE, BEHIND_TLS.format(folder=tmp_path))
        with Collector(tmp_path, *configs, **to(backend, "full")) as collector:
            port = collector.grpc_port if protocol == "grpc" else collector.port
            environment = {
                "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "authority.pem"),
                # What these name goes before, says `requests`.
                "REQUESTS_CA_BUNDLE": "",
                "CURL_CA_BUNDLE": "",
            }
            result, logged = Application(1, f"https://127.0.0.1:{port}", **environment).result()
            wait_until(lambda: len(backend.spans) >= result["spans"])
    assert (logged, len(backend.spans)) == ("", result["spans"])


def test_a_private_authority_is_not_trusted_where_it_is_not_named(tmp_path, authority):
    """Neither the Collector sends to such a backend, nor does it drop what it has for it."""
    with Backend(context=authority) as backend, Collector(tmp_path, **to(backend, "full")) as collector:
        collector.send(span("kept back"))
        wait_until(lambda: "unknown authority" in collector.log)
        assert (backend.spans, failed(collector).get("otlp_http/full", 0)) == ([], 0)
