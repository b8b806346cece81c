"""Plays a schedule twice at once: with the real thing, and with the model; they must agree at every step."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context

from opentelemetry.context import get_current
from opentelemetry.trace import set_span_in_context

import langwatch_otel as langwatch
from _model import Place

BLOCKS = ("conversation", "trace", "span", "application")
FLOWS = ("task", "thread", "bare thread", "generator")
OPENING = (*BLOCKS, "below", *FLOWS)
STEPS = (*OPENING, "set", "update", "handle", "begin", "end", "step", "close", "pause", "up", "up")
MAX_FLOWS = 12


def parsed(steps):
    """A tree: what opens takes what follows as its body, up to its `up`."""
    body, stack = [], []
    for name, one, two in steps:
        if name == "up":
            body = stack.pop() if stack else body
            continue
        inner = []
        body.append((name, one, two, inner))
        if name in OPENING:
            stack.append(body)
            body = inner
    return stack[0] if stack else body


class Schedule:
    """One example: its flows take turns at each `pause`."""

    def __init__(self, tracer):
        self.tracer = tracer
        self.spans, self.handles, self.begun, self.generators = [], [], [], []
        self.tasks, self.threads, self.flows, self.place = [], [], 0, None

    async def play(self, body):
        await self._drive(self.run(body, Place()))
        while self.tasks or self.threads:
            if self.tasks:
                await self.tasks.pop()
            for thread in self.threads.copy():
                self._step_thread(*thread)
        for generator in self.generators:
            generator.close()
        for span, model in self.begun:
            span.end()
            model.is_open = False

    async def _drive(self, steps):
        for _ in steps:
            for thread in self.threads.copy():
                self._step_thread(*thread)
            await asyncio.sleep(0)

    def _step_thread(self, pool, context, steps):
        if pool.submit(context.run, next, steps, self).result() is self:
            self.threads.remove((pool, context, steps))
            pool.shutdown()

    def run(self, body, place, generator=False):
        """Play `body` at `place`; yields where others may take a turn."""
        for name, one, two, inner in body:
            before = get_current()
            if name in BLOCKS or name == "below":
                yield from self._block(name, one, two, inner, place, generator)
                assert get_current() is before
            elif name in FLOWS:
                self._flow(name, one, two, inner, place)
                assert get_current() is before
            elif name == "pause":
                yield
            elif name in ("step", "close"):
                self._generator(name, one, place)
                assert get_current() is before
            else:
                self._simple(name, one, two, place)
            assert langwatch.get_conversation().thread_id == place.thread

    def _name(self):
        return f"s{len(self.spans)}"

    def _started(self, model):
        self.spans.append(model)
        return model

    def _block(self, name, one, two, inner, place, generator):
        thread, adopt, was = (None, "a", "b", "c")[one], two != 1, place.copy()
        if name == "application" and generator:
            name = "span"  # OpenTelemetry's own block fails in a generator whose steps change threads.
        parent = model_parent = None
        if name == "below" and self.spans:
            model_parent = self.spans[two % len(self.spans)]
            parent = model_parent.real
        if name in ("trace", "conversation"):
            scope = place.open(thread, not adopt)
        elif name == "below" and thread is not None and one == 2:
            scope = place.open(thread, False, model_parent)
        else:
            scope = None
        model = None
        if name != "conversation":
            model = self._started(place.start(self._name(), model_parent))
            place.span = model
        given = {} if thread is None or scope is None else {"thread_id": thread}
        if name == "conversation":
            block = langwatch.conversation(adopt=adopt, **given)
        elif name == "trace":
            block = langwatch.trace(name=model.name, adopt=adopt, **given)
        elif name == "application":
            block = self.tracer.start_as_current_span(model.name)
        else:
            block = langwatch.span(name=model.name, parent=parent, **given)
        try:
            with block as handle:
                if model is not None:
                    model.real = (
                        handle
                        if name == "application"
                        else (handle.otel if isinstance(handle, langwatch.Span) else handle.root_span.otel)
                    )
                if isinstance(handle, langwatch.Trace):
                    self.handles.append([handle, scope])
                assert langwatch.get_conversation().thread_id == place.thread
                yield from self.run(inner, place, generator)
        finally:
            if model is not None:
                model.is_open = False
            place.back_to(was)

    def _simple(self, name, one, two, place):
        thread = "abcd"[one]
        if name == "set":
            langwatch.set_conversation(thread_id=thread)
            place.name(thread)
            assert langwatch.get_conversation().thread_id == thread
        elif name == "update":
            langwatch.get_current_trace().update(metadata={"thread_id": thread})
            place.name(thread)
            assert langwatch.get_conversation().thread_id == thread
        elif name == "handle" and self.handles:
            entry = self.handles[two % len(self.handles)]
            entry[0].update(thread_id=thread)
            entry[1] = place.name(thread, entry[1])
            assert entry[0].conversation.thread_id == thread
        elif name == "begin":
            model = self._started(
                place.start(self._name(), self.spans[two % len(self.spans)] if one == 3 and self.spans else None)
            )
            context = set_span_in_context(model.parent.real) if model.parent is not None else None
            model.real = self.tracer.start_span(model.name, context)
            self.begun.append((model.real, model))
        elif name == "end" and self.begun:
            span, model = self.begun.pop(two % len(self.begun))
            span.end()
            model.is_open = False

    def _flow(self, name, one, two, inner, place):
        self.flows += 1
        if self.flows > MAX_FLOWS:
            return
        if name == "generator":
            self.generators.append(self._decorated(one, two, inner))
        elif name == "task":
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return
            self.tasks.append(loop.create_task(self._drive(self.run(inner, place.copy()))))
        else:
            bare = name == "bare thread"
            context, there = (Context(), Place()) if bare else (copy_context(), place.copy())
            self.threads.append((ThreadPoolExecutor(1), context, self.run(inner, there)))

    def _decorated(self, one, two, inner):
        """A decorated generator, whose place is that of its first step."""
        thread, adopt = (None, "a", "b", "c")[one], two != 1
        kind = ("trace", "span", "conversation", "trace")[two]
        given = {"thread_id": thread} if thread is not None and kind != "span" else {}
        if kind != "span":
            given["adopt"] = adopt
        held = {}

        def function():
            place = self.place.copy()
            if kind != "span":
                place.open(given.get("thread_id"), not adopt)
            if kind != "conversation":
                # Its span has started already, before the body runs.
                model = self._started(place.start(f"generator {id(held)}"))
                model.real = langwatch.get_current_span().otel
                model.real.update_name(name := f"s{len(self.spans) - 1}")
                model.name, place.span = name, model
                held["model"] = model
            try:
                for item in self.run(inner, place, generator=True):
                    yield item
                    assert langwatch.get_conversation().thread_id == place.thread
            finally:
                if "model" in held:
                    held["model"].is_open = False

        return getattr(langwatch, kind)(**given)(function)()

    def _generator(self, name, one, place):
        if not self.generators:
            return
        generator = self.generators[one % len(self.generators)]
        if generator.gi_running:
            return
        was, self.place = self.place, place
        try:
            if name == "step":
                next(generator, None)
            else:
                generator.close()
        finally:
            self.place = was
