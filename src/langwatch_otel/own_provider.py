"""The tracer provider that setup() makes where there is none: until its first span it makes way for another."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from ._fork import free_after_fork
from ._guard import guarded
from .backfill import tells_its_makers


class OwnProvider(TracerProvider):
    """The SDK's, that makes way for a provider which is set globally before the first span.

    OpenTelemetry takes the first that is set: a vendor's SDK that comes after setup() would see no span of the
    application's. From the first span on this is the SDK's provider and no more.
    """

    def __init__(self, resource: Resource, when_it_made_way: Callable[[Any], None]) -> None:
        super().__init__(resource=resource)
        self._deciding = free_after_fork(threading.RLock())
        self._asking = threading.local()
        self._when_it_made_way = when_it_made_way
        self._added: list[SpanProcessor] = []
        self._waiting: weakref.WeakKeyDictionary[trace.Tracer, tuple[Any, Any, Any]] = weakref.WeakKeyDictionary()
        self._settled = False
        self.successor: Any = None
        """Who makes the spans in its place."""

    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        if not self._settled:
            self._asking.asked = True
            with self._deciding:
                if not self._settled:
                    tracer = super().get_tracer(*args, **kwargs)
                    if tracer not in self._waiting:  # Asked for again it may have somebody's wrapper on top.
                        start = vars(tracer)["start_span"] = partial(self._start_first, args, kwargs)
                        self._waiting[tracer] = start, args, kwargs
                    return tracer
        if self.successor is None:
            return super().get_tracer(*args, **kwargs)
        found: trace.Tracer = self.successor.get_tracer(*args, **kwargs)
        return found

    def _start_first(self, asked: Any, named: Any, *args: Any, **kwargs: Any) -> trace.Span:
        self.settle()
        tracer = self.get_tracer(*asked, **named)
        if self.successor is not None:
            return tracer.start_span(*args, **kwargs)
        return type(tracer).start_span(tracer, *args, **kwargs)  # Past a wrapper that called this.

    def settle(self) -> None:
        """Make way no more."""
        with self._deciding:
            if not self._settled:
                self._settled = True
                for tracer, (start, *_) in list(self._waiting.items()):
                    if vars(tracer).get("start_span") is start:  # Else somebody wrapped it in turn.
                        del vars(tracer)["start_span"]
                self._waiting.clear()

    def make_way(self, successor: Any, without: object = None) -> bool:
        """Have `successor` make all spans, by the processors that are here too; False where it cannot, or is late.

        One processor may stay behind: `without`.
        """
        with self._deciding:
            if self._settled or not hasattr(successor, "add_span_processor") or self._is_within(successor):
                return False
            waiting = [(tracer, *asked) for tracer, asked in self._waiting.items()]
            moved = [(tracer, start, successor.get_tracer(*args, **named)) for tracer, start, args, named in waiting]
            self._added = [each for each in self._added if each is not without]
            for processor in self._added:
                successor.add_span_processor(processor)
            self.successor = successor  # First: who sees that it is settled takes no lock.
            self._settled = True
            for tracer, start, now in moved:
                if vars(tracer).get("start_span") is start:
                    vars(tracer).update(start_span=now.start_span, start_as_current_span=now.start_as_current_span)
            self._waiting.clear()
        # The processors are the successor's, and end with it; not each provider ends with the process.
        atexit.unregister(self.shutdown)
        atexit.register(self._flush_added)
        self._when_it_made_way(successor)
        return True

    def _flush_added(self) -> None:
        for processor in self._added:
            with guarded("sending spans"):
                processor.force_flush()

    def _is_within(self, provider: Any) -> bool:
        """Say whether `provider` has its tracers from this one, as a wrapper around it does."""
        self._asking.asked = False
        provider.get_tracer(__name__)
        return bool(self._asking.asked)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        with self._deciding:
            if self.successor is None:
                self._added.append(span_processor)
                super().add_span_processor(span_processor)
                return
        self.successor.add_span_processor(span_processor)

    @property
    def resource(self) -> Resource:
        """The resource of the provider that makes the spans."""
        found: Resource = super().resource if self.successor is None else self.successor.resource
        return found

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        if self.successor is None:
            return super().force_flush(timeout_millis)
        return self.successor.force_flush(timeout_millis) is not False

    def shutdown(self) -> None:
        self.settle()  # The processors that would move export no more.
        if self.successor is None:
            super().shutdown()
        else:
            self.successor.shutdown()


def make_way(provider: Any, without: object = None) -> Any:
    """Have `provider` take the place of setup()'s, where that is the global one and makes way; return setup()'s."""
    own = trace.get_tracer_provider()
    if not isinstance(own, OwnProvider) or tells_its_makers(provider) or not own.make_way(provider, without):
        return None
    # What the API's own function does. Without it ours stays the global one, and passes all on.
    trace._TRACER_PROVIDER = provider
    return own
