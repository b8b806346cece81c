"""What one backend makes of the conversations, by its own API."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from .backends import BACKENDS, HTTP, SERVICE
from .processes import until
from .talking import ROOTS, TOLD, converse

# Where the text of a turn is looked for.
BELOW, CONVENTION, ROOT = "a server span above", "with the convention", "`@trace()` the root"

LENGTHS = (250, 251, 1024)  # MLflow's limit, and more than anybody's.


def _exporting(backend, protocol):
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoints[protocol],
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc" if protocol != HTTP else "http/protobuf",
        "OTEL_EXPORTER_OTLP_HEADERS": backend.headers,
        "OTEL_SERVICE_NAME": SERVICE,
    }


def measure(name):
    """Return the row of the backend called `name`."""
    backend = BACKENDS[name]()
    with backend.started():
        turns = [
            turn for protocol in tuple(backend.endpoints) for turn in converse("ours", **_exporting(backend, protocol))
        ]
        roots = converse("ours", ROOTS, mode="none", **_exporting(backend, HTTP))
        chosen = {"OTEL_LANGWATCH_CONVENTIONS": f"otel,langwatch,{backend.convention}"} if backend.convention else {}
        told = converse("ours", TOLD, **_exporting(backend, HTTP), **chosen) if chosen else []
        made = sum(len(turn.spans) for turn in turns)
        traces = set().union(*(turn.traces for turn in turns))
        there = until(lambda: backend.spans_of(traces), lambda found: found >= made)

        def all_there():
            return all(backend.traces_of(turn.named) >= turn.traces for turn in (*roots, *told))

        until(all_there, bool, seconds=20)
        return {
            "version": backend.version,
            "over": list(backend.endpoints),
            "spans": [there, made],
            "grouped": _grouped(backend, turns),
            "user": _users(backend, turns),
            "text": {
                BELOW: _texts(backend, turns),
                CONVENTION: _texts(backend, told),
                ROOT: _texts(backend, roots),
            },
            "ids": {str(length): _takes(backend, length) for length in LENGTHS},
        }


def _threads(turns):
    threads = {}
    for turn in turns:
        threads.setdefault(turn.named, []).append(turn)
    return threads


def _grouped(backend, turns):
    """How many threads are found, under their ids, with exactly their traces; of how many."""
    threads = _threads(turns)
    right = [
        thread
        for thread, of_thread in threads.items()
        if backend.traces_of(thread) == set().union(*(turn.traces for turn in of_thread))
    ]
    return [len(right), len(threads)]


def _users(backend, turns):
    """How many threads have their user, and no other."""
    users = {turn.user_id for turn in turns}
    threads = _threads(turns)
    right = [thread for thread in threads if backend.users_of(thread, users) == {threads[thread][0].user_id}]
    return [len(right), len(threads)]


def _texts(backend, turns):
    """How many turns show what the user said; nothing where there are no turns."""
    if not backend.shows_turns:
        return None
    shown = [turn for turn in turns if any(turn.message in backend.text_of(turn.named, each) for each in turn.traces)]
    return [len(shown), len(turns)]


def _takes(backend, length):
    """What becomes of an id of `length` characters that nobody has cut."""
    provider = TracerProvider(resource=Resource({"service.name": SERVICE}), shutdown_on_exit=False)
    span = provider.get_tracer("probe").start_span("probe")
    thread = "x" * (length - 1) + "y"
    span.set_attribute("session.id", thread)
    span.end()
    headers = dict(pair.split("=") for pair in backend.headers.split(",") if pair)
    exporter = OTLPSpanExporter(f"{backend.endpoints[HTTP]}/v1/traces", headers=headers, timeout=5)
    result = exporter.export([span])
    exporter.shutdown()
    if result is not SpanExportResult.SUCCESS:
        return "refused"
    found = until(lambda: backend.traces_of(thread), bool, seconds=10)
    return "kept" if found else "not found"
