"""Plays a schedule twice at once: with the real thing, and with the model; they must agree at every step."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context

from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN, Link, SpanKind, StatusCode, set_span_in_context, use_span

import langwatch_otel as langwatch
from _model import Job
from _places import Place
from _steps import BLOCKS, FLOWS, NAMING, SENDING
from langwatch_otel.finding import handled_here

MAX_FLOWS = 12


class Schedule:
    """One example: its flows take turns at each `pause`."""

    def __init__(self, outlet):
        self.outlet, self.tracer, self.framework = outlet, outlet.tracer, outlet.framework
        self.spans, self.handles, self.begun, self.generators = [], [], [], []
        self.tasks, self.kept_tasks, self.threads, self.idle, self.flows, self.place = [], [], [], [], 0, None

    async def play(self, body):
        job = Job()
        await self._drive(self.run(body, Place()), job)
        while self.tasks or self.threads:
            if self.tasks:
                await self.tasks.pop()
            for thread in self.threads.copy():
                self._step_thread(*thread)
        Job.now = job
        for generator in self.generators:
            generator.close()
        for span, model in self.begun:
            span.end()
            model.end()
        for pool in self.idle:
            pool.shutdown()
        self.outlet.flush(self.spans)

    async def _drive(self, steps, job):
        while True:
            Job.now = job
            if next(steps, self) is self:
                return
            for thread in self.threads.copy():
                self._step_thread(*thread)
            await asyncio.sleep(0)

    def _step_thread(self, job, context, steps):
        Job.now = job
        if job.pool.submit(context.run, next, steps, self).result() is self:
            self.threads.remove((job, context, steps))
            self.idle.append(job.pool)

    def run(self, body, place, generator=False):
        """Play `body` at `place`; yields where others may take a turn."""
        for name, one, two, inner in body:
            before = get_current()
            if name in BLOCKS:
                yield from self._block(name, one, two, inner, place, generator)
                assert get_current() is before
            elif name in FLOWS:
                self._flow(name, one, two, inner, place)
                assert get_current() is before
            elif name == "pause":
                yield
            elif name == "converse":
                given = (2 if one == 3 else 1, 0)  # Mostly the same: what two threads were lent to lends no more.
                yield from self._block("conversation", *given, [("leaf", two, 0, [])], place, generator)
                assert get_current() is before
            elif name in ("step", "close"):
                self._generator(name, one, place)
                assert get_current() is before
            elif name in NAMING:
                self._name_it(name, one, two, place)
            else:
                self._simple(name, one, two, place)
                assert get_current() is before
            assert langwatch.get_conversation().thread_id in place.in_force()

    def _new_name(self):
        return f"s{len(self.spans)}"

    def _started(self, model):
        self.spans.append(model)
        return model

    def _block(self, name, one, two, inner, place, generator):
        thread, adopt, was = (None, "a", "b", "c")[one], two != 1, place.copy()
        if name in ("application", "framework", "request") and generator:
            name = "span"  # OpenTelemetry's own block fails in a generator whose steps change threads.
        if name == "request":
            yield from self._request(one != 3, inner, place)
            return
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
            model = self._started(place.start(self._new_name(), model_parent, name == "framework"))
            place.span = model
        given = {} if thread is None or scope is None else {"thread_id": thread}
        if name == "conversation":
            block = langwatch.conversation(adopt=adopt, **given)
        elif name == "trace":
            block = langwatch.trace(name=model.name, adopt=adopt, **given)
        elif name in ("application", "framework"):
            tracer = self.tracer if name == "application" else self.framework
            block = tracer.start_as_current_span(model.name)
        else:
            block = langwatch.span(name=model.name, parent=parent, **given)
        try:
            with block as handle:
                if model is not None:
                    model.real = self._otel(handle)
                if isinstance(handle, langwatch.Trace):
                    self.handles.append([handle, scope])
                assert langwatch.get_conversation().thread_id in place.in_force()
                yield from self.run(inner, place, generator)
        finally:
            if model is not None:
                model.end()
            if scope is not None:
                scope.closed = True
            place.back_to(was)

    @staticmethod
    def _otel(handle):
        if isinstance(handle, langwatch.Trace):
            handle = handle.root_span
        return handle.otel if isinstance(handle, langwatch.Span) else handle

    def _request(self, http, inner, place):
        """The server span of a request, whose caller's span is in another process."""
        was, model = place.copy(), self._started(place.start_server(self._new_name(), http))
        place.span = model
        attributes = {"http.request.method": "POST"} if http else {"network.protocol.name": "websocket"}
        context = set_span_in_context(INVALID_SPAN)
        model.real = self.framework.start_span(model.name, context, SpanKind.SERVER, attributes)
        try:
            with use_span(model.real, end_on_exit=True):
                if http:
                    handled_here()
                yield from self.run(inner, place)
        finally:
            model.end()
            place.back_to(was)

    def _name_it(self, name, one, two, place):
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

    def _simple(self, name, one, two, place):
        if name == "begin":
            model = self._started(
                place.start(self._new_name(), self.spans[two % len(self.spans)] if one == 3 and self.spans else None)
            )
            context = set_span_in_context(model.parent.real) if model.parent is not None else None
            model.real = self.tracer.start_span(model.name, context)
            self.begun.append((model.real, model))
        elif name == "end" and self.begun:
            span, model = self.begun.pop(two % len(self.begun))
            span.end()
            model.end()
        elif name == "leaf":
            model = self._started(place.start(self._new_name(), framework=one == 3))
            tracer, links = (
                self.framework if one == 3 else self.tracer,
                [Link(INVALID_SPAN.get_span_context(), {"l": 1})],
            )
            model.real = tracer.start_span(model.name, kind=SpanKind.CLIENT, links=links)
            model.real.add_event("event")
            model.real.set_status(StatusCode.ERROR)
            model.real.end()
            model.end()
        elif name in SENDING:
            getattr(self.outlet, name)(self.spans)

    def _flow(self, name, one, two, inner, place):
        self.flows += 1
        if self.flows > MAX_FLOWS:
            return
        if name == "generator":
            self.generators.append(self._decorated(one, two, inner))
        elif name in ("task", "served"):
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return
            context, there, job = copy_context(), place.copy(), Job(started_from=Job.now)
            if name == "served":
                context, there, job, inner = Context(), Place(), Job(), [("request", one, two, inner)]
            task = context.run(loop.create_task, self._drive(self.run(inner, there), job))
            self.tasks.append(task)
            self.kept_tasks.append(task)
        else:
            bare = name == "bare thread"
            context, there = (Context(), Place()) if bare else (copy_context(), place.copy())
            job = Job(self.idle.pop() if self.idle else ThreadPoolExecutor(1), None if bare else Job.now)
            self.threads.append((job, context, self.run(inner, there)))

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
            scope = place.open(given.get("thread_id"), not adopt) if kind != "span" else None
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
                    assert langwatch.get_conversation().thread_id in place.in_force()
            finally:
                if "model" in held:
                    held["model"].end()
                if scope is not None:
                    scope.closed = True

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
