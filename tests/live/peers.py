"""The same chatbot, named by each SDK in its own way: how many of a request's spans carry the thread."""

from corpus.record.receiver import Sink
from langwatch_otel.conventions import canonical

from .environments import package, version
from .talking import COMPARED, converse

PEERS = ("ours", "langwatch", "langfuse", "openinference", "traceloop", "logfire", "baggage", "attribute")
MODES = ("own", "contrib")


def measure(name):
    """Return the row of the SDK called `name`."""
    row = {"package": package(name), "version": version(name)}
    for mode in MODES:
        with Sink() as sink:
            turns = converse(name, COMPARED, mode=mode, vendor=sink.url)
        row[mode] = {turn.kind: _cell(turn) for turn in turns}
    return row


def _cell(turn):
    """How many spans carry the thread, of how many; which do not."""
    without = [span.name for span in turn.spans if canonical(span.attributes).conversation.thread_id != turn.thread_id]
    return [len(turn.spans) - len(without), len(turn.spans), sorted({_short(name) for name in without})]


def _short(name):
    """Leave out the route that contrib puts before each span of its own."""
    for end in ("http receive", "http send", "websocket receive", "websocket send"):
        if name.endswith(f" {end}"):
            return end
    return name
