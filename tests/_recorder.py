"""A provider of one's own with everything of ours on it, and what came out of it."""

from contextlib import contextmanager

from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import langwatch_otel as langwatch
from langwatch_otel import ConversationSpanExporter, LangWatchInstrumentor, _guard

NEVER = 10_000_000  # Milliseconds: a batch goes out when the test says so.


class Recorder:
    """The provider, its tracer, and its spans as they were exported."""

    def __init__(self, late, **options):
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        self.tracer = self.provider.get_tracer("application")
        processor = SimpleSpanProcessor(self.exporter)
        if late:
            exporter = ConversationSpanExporter(self.exporter)
            processor = BatchSpanProcessor(exporter, schedule_delay_millis=NEVER)
        self.provider.add_span_processor(processor)

    @property
    def spans(self):
        """Every span exported so far."""
        self.provider.force_flush()
        return self.exporter.get_finished_spans()

    @property
    def by_name(self):
        """The attributes of each span exported so far; the last of a name wins."""
        return {span.name: dict(span.attributes) for span in self.spans}

    @property
    def names(self):
        """The names of the spans exported so far, in the order of the alphabet."""
        return sorted(span.name for span in self.spans)


@contextmanager
def recording(late=False, settings=(), **options):
    """Turn the plugin on for a new provider, in an empty context; all is off and forgotten afterwards."""
    recorder = Recorder(late, **options)
    said, _guard._said = _guard._said, set()
    token = attach(Context())
    LangWatchInstrumentor().instrument(
        tracer_provider=recorder.provider, **{"flush_on_shutdown": False, **dict(settings)}
    )
    try:
        yield recorder
    finally:
        LangWatchInstrumentor().uninstrument()
        detach(token)
        recorder.provider.shutdown()
        _guard._said = said


NAMED, UNNAMED = {"session.id": "t"}, {}


def make_provider(batch=False):
    """A provider without anything of ours; what it exported is `.exporter`."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.exporter = InMemorySpanExporter()
    made = BatchSpanProcessor(provider.exporter) if batch else SimpleSpanProcessor(provider.exporter)
    provider.add_span_processor(made)
    return provider


def named(provider):
    """The attributes that a span of `provider` gets in a conversation now."""
    with langwatch.conversation(thread_id="t"):
        provider.get_tracer("application").start_span("span").end()
    provider.force_flush()
    found = dict(provider.exporter.get_finished_spans()[-1].attributes)
    provider.exporter.clear()
    return found


def processors(provider):
    """The span processors of `provider`, in order."""
    return provider._active_span_processor._span_processors
