"""Vendors' SDKs, with their own exporters, on a provider that this package is on too: what arrives at the vendor."""

from corpus.record.receiver import Sink
from langwatch_otel import conventions

from .environments import package, version
from .talking import COMPARED, converse

# Of each SDK the convention that says what its vendor reads.
VENDORS = {
    "langfuse": "langfuse",
    "logfire": "logfire",
    "traceloop": "traceloop",
    "openinference": "openinference",
    "langwatch": "langwatch",
    "laminar": "laminar",
    "braintrust": "otel",
    "posthog": "posthog",
}


def measure(name):
    """Return the row of the SDK called `name`: what it sends by default, and with its vendor's convention."""
    convention = VENDORS[name]
    row = {"package": package(name), "version": version(name), "convention": convention}
    row["default"] = _sent(name, convention, "")
    if convention not in ("otel", "langwatch"):
        row["with its convention"] = _sent(name, convention, convention)
    if name == "laminar":  # Its decorator keeps its spans from OpenTelemetry's context.
        row["and our decorator"] = _sent(name, convention, convention, DECORATED="by us")
    return row


def _sent(name, convention, turned_on, **environment):
    with Sink() as sink:
        turns = converse(name, COMPARED, naming="ours", vendor=sink.url, CONVENTION=turned_on, **environment)
        sent = {span["_id"]: span for span in sink.received.spans}
    threads = {span.span_id: turn.thread_id for turn in turns for span in turn.spans}
    reads = conventions.load(convention).reads
    found = {"made": len(threads), "sent": len(sent)}
    for field, meant in (("thread", reads.thread_id), ("user", reads.user_id)):
        wanted = {key: threads.get(key) if field == "thread" else "ana" for key in sent}
        keys = {
            key: [each for each in meant if span["attributes"].get(each) == wanted[key]] for key, span in sent.items()
        }
        found[field] = sum(bool(at) for at in keys.values())
        found[f"{field} in"] = sorted({at[0] for at in keys.values() if at})
        found[f"no {field}"] = sorted({sent[key]["name"] for key, at in keys.items() if not at})
    return found
