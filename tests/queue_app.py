"""A web service that puts work into a queue, and the Celery worker that does it.

`TURN_ON` says how tracing is turned on, `WHERE` in which of the worker's processes: before the fork or in each child.
"""

import os

from celery import Celery, chain, chord, group
from celery.signals import worker_process_init
from fastapi import FastAPI
from opentelemetry import baggage, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import langwatch_otel as langwatch

BROKER = os.environ["BROKER"]


def turn_on(**_):
    """As an application does, before it has done anything else."""
    if os.environ.get("TURN_ON") == "instrument()":
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        langwatch.LangWatchInstrumentor().instrument()
    else:
        langwatch.setup(instrumentors=[])
    CeleryInstrumentor().instrument()


if os.environ.get("WHERE") == "in each child":
    worker_process_init.connect(turn_on, weak=False)
else:
    turn_on()

queue = Celery("queue_app", broker=BROKER, backend=BROKER)
queue.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
tracer = trace.get_tracer("application")


@queue.task
def answer(number=0):
    """Work that has spans of its own; returns what it knows of its conversation."""
    with tracer.start_as_current_span("work"), langwatch.span(name="look up"):
        return number, langwatch.get_conversation().thread_id, baggage.get_baggage("session.id")


@queue.task(bind=True, max_retries=1)
def fragile(self):
    """Fails once, and is put into the queue again."""
    if not self.request.retries:
        raise self.retry(countdown=0)


@queue.task
def total(answers):
    """The end of a chord."""
    return len(answers)


@queue.task
def of_its_own():
    """A task that knows better than who asked for it."""
    langwatch.set_conversation(thread_id="its own")


web = FastAPI(openapi_url=None)


@web.post("/ask")
def ask(body: dict):
    """Name the conversation, and put `body["kind"]` into the queue."""
    langwatch.set_conversation(thread_id=body["thread_id"], user_id=body["user_id"])
    return KINDS[body["kind"]]().get(timeout=20)


@web.post("/nobody")
def nobody():
    """Put work into the queue that belongs to no conversation."""
    return answer.delay().get(timeout=20)


KINDS = {
    "one": lambda: answer.delay(),
    "chain": lambda: chain(answer.s(), answer.s())(),
    "chord": lambda: chord(group(answer.si(), answer.si()), total.s())(),
    "retry": lambda: fragile.delay(),
    "own": lambda: of_its_own.delay(),
}
