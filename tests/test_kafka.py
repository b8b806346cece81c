"""Conversations go through Kafka: its three Python clients with their instrumentations, and librdkafka's own broker."""

import asyncio
import importlib.util

import pytest
from opentelemetry import context, propagate
from opentelemetry.trace import SpanKind

import langwatch_otel as langwatch
from _wire import border

NEEDED = {
    "confluent_kafka": "ConfluentKafkaInstrumentor",
    "kafka": "KafkaInstrumentor",
    "aiokafka": "AIOKafkaInstrumentor",
}
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
MISSING += [
    f"{name}'s instrumentation"
    for name in NEEDED
    if importlib.util.find_spec(f"opentelemetry.instrumentation.{name}") is None
]

pytestmark = [
    pytest.mark.queues,
    pytest.mark.skipif(bool(MISSING), reason=f"not run: {', '.join(MISSING)} not installed"),
]


@pytest.fixture(scope="module")
def broker():
    """The address of a broker that lasts as long as the client that made it."""
    import confluent_kafka

    made = confluent_kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    found = next(iter(made.list_topics(timeout=10).brokers.values()))
    yield f"{found.host}:{found.port}"
    made.flush(1)


def by_confluent_kafka(broker, produce, consume):
    import confluent_kafka

    client = confluent_kafka.Producer({"bootstrap.servers": broker})
    with produce():
        client.produce("confluent", value=b"question")
        client.flush(10)
    client = confluent_kafka.Consumer(
        {"bootstrap.servers": broker, "group.id": "group", "auto.offset.reset": "earliest"}
    )
    client.subscribe(["confluent"])
    consume(client.poll(20).headers())
    client.close()


def by_kafka(broker, produce, consume):
    import kafka

    client = kafka.KafkaProducer(bootstrap_servers=broker)
    with produce():
        client.send("kafka", value=b"question", headers=[])
        client.flush(10)
    client.close()
    client = kafka.KafkaConsumer(
        "kafka", bootstrap_servers=broker, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    consume(next(client).headers)
    client.close()


def by_aiokafka(broker, produce, consume):
    import aiokafka

    async def call():
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker) as client:
            with produce():
                await client.send_and_wait("aiokafka", b"question")
        client = aiokafka.AIOKafkaConsumer("aiokafka", bootstrap_servers=broker, auto_offset_reset="earliest")
        async with client:
            consume((await asyncio.wait_for(client.getone(), 20)).headers)

    asyncio.run(call())


# What the instrumentation makes of a message: it starts its span with the message's context, or with a link alone.
CLIENTS = {
    "confluent_kafka": (by_confluent_kafka, {("recv", None), ("confluent process", None)}),
    "kafka": (by_kafka, {("kafka receive", "the-thread")}),
    "aiokafka": (by_aiokafka, {("aiokafka receive", "the-thread")}),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_message_brings_its_conversation(client, broker):
    """A message carries the ids, and a CONSUMER span that is given its context has them, and all below."""
    call, received = CLIENTS[client]
    module = importlib.import_module(f"opentelemetry.instrumentation.{client}")
    instrumentor, came = getattr(module, NEEDED[client])(), []

    def consume(headers):
        came.extend(headers)
        token = context.attach(propagate.extract({name: value.decode() for name, value in headers}))
        with recorder.tracer.start_as_current_span("handle", kind=SpanKind.CONSUMER):
            recorder.tracer.start_span("work").end()
        context.detach(token)

    with border() as recorder:
        instrumentor.instrument(tracer_provider=recorder.provider)
        try:
            call(broker, lambda: langwatch.conversation(thread_id="the-thread", user_id="the-user"), consume)
        finally:
            instrumentor.uninstrument()
        spans = recorder.spans
    assert dict(came)["baggage"] == b"session.id=the-thread,user.id=the-user"
    found = {(span.name, span.attributes.get("session.id")) for span in spans if span.kind is not SpanKind.PRODUCER}
    assert found == {*received, ("handle", "the-thread"), ("work", "the-thread")}
