"""The border under real HTTP clients with their instrumentations, and a real server that notes the headers."""

import ssl
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import SpanKind

import langwatch_otel as langwatch
from _clients import CLIENTS, by_httpx, by_httpx_async
from _counting import Counted
from _wire import border, http2_server, route, server

SILENT = ("suppressed", "by hand", "unknown")
NEAR, STRANGE = "orders.internal", "api.example.com"
OTHER = "plan=pro+x"  # The application's own baggage, wherever a header goes at all.
OWN = f"{OTHER},session.id=mine"
IDS = f"{OTHER},session.id=the-thread,user.id=the-user"


@pytest.fixture
def semantics(request, monkeypatch):
    """Old or new names of attributes; the instrumentations read the variable once in a process."""
    module = pytest.importorskip("opentelemetry.instrumentation._semconv")
    stability = module._OpenTelemetrySemanticConventionStability
    monkeypatch.setattr(stability, "_initialized", False)
    monkeypatch.setattr(stability, "_OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING", {})
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", request.param)
    return {"": "http.url", "http": "url.full"}[request.param]


class Case(NamedTuple):
    """Where a call goes, and what is in its baggage header at each step."""

    hosts: tuple[str, ...]
    expected: tuple[str | None, ...]
    differs: dict[str, tuple[str | None, ...]] | None = None
    """What else is expected of a client, by its name."""
    proxy: str | None = None
    excluded: str = ""
    sampler: object = ALWAYS_ON
    how: str = "instrumented"


# Each step is a call of its own to these; the others make one span of all.
STEP_BY_STEP = ("httpx", "httpx async", "httpx2", "httpx2 async")

CASES = {
    "allowed": Case((NEAR,), (IDS,)),
    "strange": Case((STRANGE,), (OTHER,)),
    "strange with a last dot": Case((f"{STRANGE}.",), (OTHER,)),
    "redirected to a stranger": Case((NEAR, STRANGE), (IDS, OTHER)),
    "redirected inside": Case((NEAR, "localhost"), (IDS, IDS)),
    "redirected from a stranger": Case((STRANGE, NEAR), (OTHER, IDS)),
    "redirected from a stranger to neighbours": Case((STRANGE, NEAR, "localhost"), (OTHER, IDS, IDS)),
    "redirected there and back": Case((NEAR, STRANGE, NEAR), (IDS, OTHER, IDS)),
    "redirected from a stranger and back to it": Case((STRANGE, NEAR, STRANGE), (OTHER, IDS, OTHER)),
    "redirected there and back, by hand": Case((NEAR, STRANGE, NEAR), (IDS, OTHER, IDS), how="by hand"),
    "redirected from a stranger behind a proxy": Case((STRANGE, NEAR), (OTHER, IDS), proxy="localhost"),
    "redirected from a stranger behind a strange proxy": Case((STRANGE, NEAR), (OTHER, IDS), proxy="proxy.example.com"),
    "redirected from one stranger to another": Case((NEAR, STRANGE, "ads.example.com"), (IDS, OTHER, OTHER)),
    "a neighbour through a strange proxy": Case((NEAR,), (IDS,), proxy="proxy.example.com"),
    "a stranger through a near proxy": Case((STRANGE,), (OTHER,), proxy="localhost"),
    "redirected behind a proxy": Case((NEAR, STRANGE), (IDS, OTHER), proxy="localhost"),
    "excluded": Case((NEAR, STRANGE), (None, None), excluded=".*"),
    "redirected to what is excluded": Case(
        (NEAR, STRANGE), (IDS, OTHER), {"urllib3": (IDS, None)}, excluded=f"^http://{STRANGE}"
    ),
    "unsampled": Case((NEAR, STRANGE), (OTHER, OTHER), sampler=ALWAYS_OFF),
    "suppressed": Case((NEAR, STRANGE), (None, None), how="suppressed"),
    "by hand, suppressed": Case((NEAR, STRANGE), (IDS, OTHER), how="by hand"),
    "by hand, to a host that nobody knows": Case((NEAR,), (OTHER,), how="unknown"),
    "a stranger is excluded": Case(
        (STRANGE, NEAR), (None, IDS), {"aiohttp": (None, None)}, excluded=f"^http://{STRANGE}"
    ),
    "from a stranger to what is excluded": Case(
        (STRANGE, NEAR),
        (OTHER, IDS),
        {"urllib3": (OTHER, None), **dict.fromkeys(STEP_BY_STEP, (OTHER, OTHER))},
        excluded=f"^http://{NEAR}",
    ),
    "from a stranger, unsampled": Case((STRANGE, NEAR), (OTHER, OTHER), sampler=ALWAYS_OFF),
    "from a stranger, suppressed": Case((STRANGE, NEAR), (None, None), how="suppressed"),
    "from a stranger, by hand": Case((STRANGE, NEAR), (OTHER, IDS), how="by hand"),
    "the application's own id, from a stranger": Case((STRANGE, NEAR), (OWN, f"{OWN},user.id=the-user"), how="own"),
    "ids from outside, from a stranger": Case((STRANGE, NEAR), (OTHER, IDS), how="came in"),
    "the application's own id": Case((NEAR, STRANGE), (f"{OWN},user.id=the-user", OWN), how="own"),
    "ids from outside": Case((NEAR, STRANGE), (IDS, OTHER), how="came in"),
}


@contextmanager
def conversation(case):
    """A conversation, named here or by another service, and baggage of the application's own."""
    entries = {"plan": "pro x", **({"session.id": "mine"} if case.how == "own" else {})}
    context = propagate.extract({"baggage": IDS}) if case.how == "came in" else None
    for key, value in entries.items():
        context = baggage.set_baggage(key, value, context)
    token = attach(context)
    try:
        named = {} if case.how == "came in" else {"thread_id": "the-thread", "user_id": "the-user"}
        with langwatch.conversation(**named):
            yield
    finally:
        detach(token)


def headers_of(case, recorder):
    """What the caller gives along: nothing, or what it injected by itself."""
    headers = {}
    if case.how == "by hand":
        langwatch.inject(headers, host=NEAR)
    if case.how == "unknown":
        with recorder.tracer.start_as_current_span("call", kind=SpanKind.CLIENT):
            propagate.inject(headers)
    return headers


@contextmanager
def silent(case):
    """Instrumentations make no spans for a block, where the case says so."""
    module = pytest.importorskip("opentelemetry.instrumentation.utils")
    with module.suppress_instrumentation() if case.how in SILENT else nullcontext():
        yield


# What a span says where it goes decides in these alone: the rest goes by the wire.
_BY_SPAN = ("allowed", "strange", "redirected to a stranger", "redirected from a stranger")
_FROM_A_STRANGER = [case for case in CASES if "from a stranger" in case and case not in _BY_SPAN]
MATRIX = [
    pytest.param(
        case,
        semantics,
        marks=pytest.mark.matrix if case in _FROM_A_STRANGER or (semantics and case not in _BY_SPAN) else (),
    )
    for case in CASES
    for semantics in ("", "http")
]


@pytest.mark.parametrize(("case", "semantics"), MATRIX, indirect=["semantics"])
@pytest.mark.parametrize("client", CLIENTS)
def test_ids_reach_neighbours_and_no_stranger(client, case, semantics, noted, everywhere, monkeypatch):
    """Each step of a call carries ids where its own host is inside, and other baggage whole everywhere."""
    client, name, case, (port, requests) = CLIENTS[client], client, CASES[case], noted
    pytest.importorskip(f"opentelemetry.instrumentation.{client.instrumentation}")  # Most read the variable at import.
    monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", case.excluded)
    requests.clear()
    with border(sampler=case.sampler) as recorder:
        with client.on(recorder.provider, excluded_urls=case.excluded), conversation(case):
            headers = headers_of(case, recorder)
            given = headers.copy()
            with silent(case):
                client.call(route(port, *case.hosts), headers, f"http://{case.proxy}:{port}" if case.proxy else None)
        spans = [span for span in recorder.spans if span.kind is SpanKind.CLIENT and span.name != "call"]
    assert [request["host"].replace(".:", ":") for request in requests] == [
        f"{host.rstrip('.')}:{port}" for host in case.hosts
    ]
    expected = (case.differs or {}).get(name, case.expected)
    assert tuple(request.get("baggage") for request in requests) == expected
    assert ["the-" in str(request) for request in requests] == ["user.id" in str(request) for request in requests]
    assert [semantics in span.attributes for span in spans] == [True] * len(spans)
    assert bool(spans) == (case.how not in SILENT and case.sampler is ALWAYS_ON and any(expected))
    assert (headers, bool(headers)) == (given, case.how in ("by hand", "unknown"))


@pytest.mark.parametrize("hosts", [(STRANGE,), (NEAR, STRANGE), (NEAR, "localhost")], ids=" ".join)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_request_to_a_stranger_is_counted_once(client, hosts, noted, everywhere):
    """Held back by the span or taken off before the wire: a request that goes without its ids is one."""
    client, (port, _), counted = CLIENTS[client], noted, Counted()
    with border(meter_provider=counted.provider) as recorder, client.on(recorder.provider):
        counted()
        with langwatch.conversation(thread_id="the-thread"):
            client.call(route(port, *hosts), {}, None)
        found = {name: value for name, value in counted().items() if name.startswith("baggage")}
    assert found == ({"baggage.withheld host": 1} if STRANGE in hosts else {})
    counted.provider.shutdown()


@pytest.mark.parametrize("client", CLIENTS)
def test_in_a_tunnel_the_host_behind_it_counts(client, everywhere, tmp_path):
    """Through a proxy, and TLS to the host itself, ids reach a neighbour and not the stranger it redirects to."""
    trustme = pytest.importorskip("trustme")
    issuer, secure, trusting = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    issuer.issue_cert(NEAR, STRANGE).configure_cert(secure)
    issuer.configure_trust(trusting)
    issuer.cert_pem.write_to_path(tmp_path / "authority.pem")
    client = CLIENTS[client]
    with server(secure) as (port, requests), border() as recorder, langwatch.conversation(thread_id="the-thread"):
        by_hand = {}
        langwatch.inject(by_hand, host=NEAR)
        given = by_hand.copy()
        more = (f"http://proxy.example.com:{port}", str(tmp_path / "authority.pem"), trusting)
        with client.on(recorder.provider):
            client.call(route(port, NEAR, STRANGE, scheme="https"), {}, *more)
        client.call(route(port, STRANGE, scheme="https"), by_hand, *more)
        found = [(request["host"], request.get("baggage")) for request in requests]
    assert found == [(f"{NEAR}:{port}", "session.id=the-thread"), *[(f"{STRANGE}:{port}", None)] * 2]
    assert by_hand == given


@pytest.mark.parametrize("by", [by_httpx, by_httpx_async])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_in_http2_a_redirect_takes_no_id_along(library, by, everywhere):
    """A header that was written by hand loses our entries at the stranger, over HTTP/2 too."""
    pytest.importorskip(library)
    pytest.importorskip("h2")
    with http2_server() as (port, requests), border(), langwatch.conversation(thread_id="the-thread"):
        headers = {"baggage": OTHER}
        langwatch.inject(headers, host=NEAR)
        by(library, http1=False, http2=True)(route(port, NEAR, STRANGE), headers, None)
    found = [(request["host"], request.get("baggage")) for request in requests]
    assert found == [(f"{NEAR}:{port}", f"{OTHER},session.id=the-thread"), (f"{STRANGE}:{port}", OTHER)]


@pytest.mark.parametrize("client", ["urllib3", "aiohttp"])
def test_a_span_that_names_another_host_opens_no_door(client, noted, everywhere):
    """Where a filter writes another host into the span than the one that is called, the one that is called counts."""
    client, (port, requests) = CLIENTS[client], noted
    requests.clear()
    with border() as recorder, client.on(recorder.provider, url_filter=lambda _: "http://hidden/"):
        with langwatch.conversation(thread_id="the-thread"):
            client.call(route(port, STRANGE), {}, None)
        assert [str(span.attributes).count("hidden") > 0 for span in recorder.spans] == [True]
    assert [(request.get("baggage"), "traceparent" in request) for request in requests] == [(None, True)]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_port_that_is_inside_is_that_port_alone(client, noted, everywhere):
    """Where a host is inside at one port, what goes there keeps its ids, and at another port it does not."""
    client, (port, requests) = CLIENTS[client], noted
    pytest.importorskip(client.library)
    requests.clear()
    for inside in (port, port - 1):
        with border(outbound_hosts=f"{STRANGE}:{inside}"), langwatch.conversation(thread_id="the-thread"):
            headers = {}
            langwatch.inject(headers, host=f"{STRANGE}:{inside}")
            client.call(route(port, STRANGE), headers, None)
    assert [request.get("baggage") for request in requests] == ["session.id=the-thread", None]


def test_a_whole_url_without_a_proxy_goes_where_its_connection_goes(noted, everywhere):
    """urllib3 sends a whole URL to the host of the pool that it is given to: both have to be inside."""
    urllib3 = pytest.importorskip("urllib3")
    port, requests = noted
    requests.clear()
    with border(), urllib3.HTTPConnectionPool(STRANGE, port) as pool:
        with langwatch.conversation(thread_id="the-thread"):
            headers = {"baggage": OTHER}
            langwatch.inject(headers, host=NEAR)
        pool.urlopen("GET", route(port, NEAR), headers=headers, assert_same_host=False)
    assert [request["baggage"] for request in requests] == [OTHER]


@pytest.mark.parametrize("semantics", ["", "http"], indirect=True)
def test_a_model_provider_gets_no_id(noted, everywhere, semantics):
    """OpenAI's client sends ids to a model of one's own, and not in any header to another host."""
    openai = pytest.importorskip("openai")
    library = "httpx2" if int(openai.VERSION.split(".")[0]) >= 3 else "httpx"
    port, requests = noted
    requests.clear()
    with border() as recorder, CLIENTS[library].on(recorder.provider):
        for host in (NEAR, STRANGE):
            client = openai.OpenAI(base_url=f"http://{host}:{port}/", api_key="none", max_retries=0)
            with client, langwatch.conversation(thread_id="the-thread", user_id="the-user"):
                client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
    found = [(request["host"], request.get("baggage"), "the-" in str(request)) for request in requests]
    ids = "session.id=the-thread,user.id=the-user"
    assert found == [(f"{NEAR}:{port}", ids, True), (f"{STRANGE}:{port}", None, False)]
    assert [bool(request["traceparent"]) for request in requests] == [True, True]
