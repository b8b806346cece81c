"""What we put inside HTTP clients: it is there when they are, does no harm, and goes again."""

import os
import subprocess
import sys
import urllib.request
from inspect import iscoroutinefunction

import pytest

from _clients import CLIENTS
from _recorder import make_provider
from _servers import clean_environment
from _wire import border, route
from langwatch_otel import LangWatchInstrumentor
from langwatch_otel.clients import redirects
from langwatch_otel.frameworks.wrapping import installed

# `outbound_hosts="none"` makes a stranger of every host, loopback too.
HEADER = "plan=pro,session.id=t,user.id=u"

PLACES = [
    ("httpcore", "ConnectionPool", "handle_request"),
    ("httpcore", "AsyncConnectionPool", "handle_async_request"),
    ("httpcore2", "ConnectionPool", "handle_request"),
    ("httpcore2", "AsyncConnectionPool", "handle_async_request"),
    ("urllib3.connectionpool", "HTTPConnectionPool", "_make_request"),
    ("aiohttp.client_reqrep", "ClientRequest", "send"),
    ("urllib.request", "AbstractHTTPHandler", "do_open"),
]


@pytest.fixture(params=CLIENTS)
def called(request, noted):
    """A call with a header that was written before: gives the baggage that came."""
    client, (port, requests) = CLIENTS[request.param], noted
    pytest.importorskip(client.library)

    def call(headers):
        requests.clear()
        client.call(route(port, "127.0.0.1"), headers, None)
        return requests[0].get("baggage")

    return call


@pytest.mark.parametrize(("module", "owner", "method"), PLACES)
def test_off_each_client_is_as_it_was(module, owner, method):
    """While we are on the method is ours, once, however often it is turned on; then it is the client's own again."""
    owner = getattr(pytest.importorskip(module), owner)
    own = vars(owner)[method]
    with border():
        LangWatchInstrumentor().instrument(flush_on_shutdown=False)
        ours = vars(owner)[method]
        assert (ours.__wrapped__ is own, iscoroutinefunction(ours)) == (True, iscoroutinefunction(own))
    assert vars(owner)[method] is own


def test_off_a_client_that_somebody_wrapped_is_left_to_itself(noted):
    """What was put around ours meanwhile stays; ours below it does nothing."""
    port, requests = noted
    requests.clear()
    kind = urllib.request.AbstractHTTPHandler
    own = kind.do_open
    try:
        with border(outbound_hosts="none"):
            ours = kind.do_open
            kind.do_open = theirs = lambda *args, **kwargs: ours(*args, **kwargs)
        assert kind.do_open is theirs
        CLIENTS["urllib"].call(route(port, "127.0.0.1"), {"baggage": HEADER}, None)
    finally:
        kind.do_open = own
    CLIENTS["urllib"].call(route(port, "127.0.0.1"), {"baggage": HEADER}, None)
    assert [request["baggage"] for request in requests] == [HEADER, HEADER]


def test_what_is_ours_is_taken_off_and_nothing_else(called):
    """A header in any letters loses our entries on its way to a stranger; the caller's own headers stay as they are."""
    for name in ("baggage", "Baggage"):
        given = {name: HEADER, "X-Other": "session.id=t"}
        with border(outbound_hosts="none"):
            assert called(given) == "plan=pro"
        assert called(given) == HEADER
        assert given == {name: HEADER, "X-Other": "session.id=t"}


def test_headers_of_an_opener_are_looked_at_too(noted):
    """What urllib sends with every request, and with no redirect, loses our entries as well."""
    port, requests = noted
    requests.clear()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.addheaders = [("Baggage", HEADER)]
    with border(outbound_hosts="none"), opener.open(route(port, "127.0.0.1"), timeout=10) as answer:
        answer.read()
    assert ([request["baggage"] for request in requests], opener.addheaders) == (["plan=pro"], [("Baggage", HEADER)])


def test_without_a_border_no_header_is_touched(called):
    """Where the global propagator speaks no baggage none of our ids goes out, and what is written by hand stays."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    with border(TraceContextTextMapPropagator(), outbound_hosts="none"):
        assert called({"baggage": HEADER}) == HEADER


@pytest.mark.parametrize("part", ["strip", "allows", "_carries"])
def test_a_mistake_of_ours_breaks_no_request(called, part, monkeypatch, said):
    """Where looking fails the request goes out; where it cannot be told who is called, without ids."""

    def fail(*_):
        raise RuntimeError(HEADER)

    with border(outbound_hosts="none"):
        monkeypatch.setattr(redirects, part, fail)
        assert called({"baggage": HEADER}) == ("plan=pro" if part == "allows" else HEADER)
        assert ["RuntimeError" in reason and "session" not in reason for reason in said()] == [True]


@pytest.mark.parametrize("client", CLIENTS)
def test_instrumentations_go_on_and_off_around_ours(client, noted):
    """A client that was instrumented before us loses its instrumentation as before, and ours without it."""
    client, (port, requests) = CLIENTS[client], noted
    provider = make_provider()
    with client.on(provider):
        with border(outbound_hosts="none"):
            client.call(route(port, "127.0.0.1"), {}, None)
        client.call(route(port, "127.0.0.1"), {}, None)
        assert len(provider.exporter.get_finished_spans()) == 2
    requests.clear()
    with border(outbound_hosts="none"):
        client.call(route(port, "127.0.0.1"), {"baggage": HEADER}, None)
    assert ([request["baggage"] for request in requests], len(provider.exporter.get_finished_spans())) == (
        ["plan=pro"],
        2,
    )


LATER = """
import sys
from langwatch_otel import LangWatchInstrumentor
from opentelemetry.sdk.trace import TracerProvider

LangWatchInstrumentor().instrument(TracerProvider(shutdown_on_exit=False), outbound_hosts="none")
print(*(name for name in ("aiohttp", "httpcore", "httpcore2", "urllib3", "urllib.request") if name in sys.modules))
from _clients import CLIENTS
for name in sys.argv[2:]:
    CLIENTS[name].call(sys.argv[1], {"baggage": "plan=pro,session.id=t"}, None)
"""


def test_a_client_that_is_imported_later_is_looked_at_too(noted):
    """Turning on imports no client; each is looked at once it is imported."""
    pytest.importorskip("wrapt")
    port, requests = noted
    requests.clear()
    names = [name for name, client in CLIENTS.items() if installed(client.library)]
    command = [sys.executable, "-c", LATER, route(port, "127.0.0.1"), *names]
    environment = clean_environment(PYTHONPATH=os.pathsep.join(sys.path))
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (run.stdout, run.stderr) == ("\n", "")
    assert [request["baggage"] for request in requests] == ["plan=pro"] * len(names)
