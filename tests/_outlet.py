"""Where a schedule's spans go: what of them goes out with which batch, and as what."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import langwatch_otel as langwatch

NEVER = 10_000_000  # Milliseconds: a batch goes out when the schedule says so.


class Outlet:
    """A provider with an exporter that names at export, and one that sees each span as it ends."""

    def __init__(self):
        self.exported, self.ended = InMemorySpanExporter(), InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.batches = BatchSpanProcessor(
            langwatch.ConversationSpanExporter(self.exported), schedule_delay_millis=NEVER
        )
        for processor in (langwatch.ConversationSpanProcessor(), SimpleSpanProcessor(self.ended), self.batches):
            self.provider.add_span_processor(processor)
        self.tracer = self.provider.get_tracer("the application")
        self.framework = self.provider.get_tracer("fastapi")
        self.clear()

    def clear(self):
        """Forget what an example left that failed."""
        self.provider.force_flush()
        self.waiting = {}
        self.exported.clear()
        self.ended.clear()

    def batch(self, models):
        """One batch goes out, if there is something to send: nothing waits for a second one."""
        self.batches.force_flush()
        if self.ended.get_finished_spans():
            self._check(models, flushed=False)

    def flush(self, models):
        """All that ended goes out."""
        self.provider.force_flush()
        self._check(models, flushed=True)
        assert self.waiting == {}

    def _check(self, models, flushed):
        waited, self.waiting = self.waiting, {span.name: span for span in self.ended.get_finished_spans()}
        assert waited.keys().isdisjoint(self.waiting)
        by_name = {model.name: model for model in models}
        out = self.exported.get_finished_spans()
        expected = {**waited, **self.waiting}
        for span in out:
            original = expected.pop(span.name)  # Each goes out once, and only what ended does.
            model = by_name[span.name]
            thread = original.attributes.get("session.id")
            assert thread in model.threads()
            found = span.attributes.get("session.id")
            if thread is None:
                assert found in model.threads_at_export()
                waits = found is None and model.scope.is_live and not flushed
                assert not waits or span.name in waited, "what may still be named waits for one batch"
            assert_same_but_for_ids(span, original)
        for name, span in expected.items():
            assert name not in waited, "nothing waits longer"
            assert span.attributes.get("session.id") is None
            model = by_name[name]
            assert None in model.threads_at_export()
            assert model.scope.is_live
            assert not flushed
        self.waiting = expected
        self.exported.clear()
        self.ended.clear()


SAME = (
    "name context parent kind start_time end_time status events links resource instrumentation_scope "
    "dropped_attributes dropped_events dropped_links"
).split()
IDS = {"session.id", "gen_ai.conversation.id", "langwatch.thread.id"}


def assert_same_but_for_ids(span, original):
    """Naming at export changes nothing but added attributes, and where there is an id not even those."""
    for field in SAME:
        assert getattr(span, field) == getattr(original, field)
    had, has = dict(original.attributes), dict(span.attributes)
    added = has.keys() - had.keys()
    assert {key: value for key, value in has.items() if key in had} == had
    assert {has[key] for key in added} <= {has.get("session.id")}
    assert added <= (set() if "session.id" in had else IDS)
