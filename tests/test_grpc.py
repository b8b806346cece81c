"""gRPC under its instrumentation, which names no host: what is in the metadata that a real server gets."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

import langwatch_otel as langwatch
from _wire import border

IDS = "session.id=the-thread,user.id=the-user"


@pytest.fixture(scope="module")
def channel_to():
    """The address of a server that takes every call, and the metadata that came."""
    grpc = pytest.importorskip("grpc")
    came = []

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            came.append(dict(details.invocation_metadata))
            return grpc.unary_unary_rpc_method_handler(lambda request, _: request)

    listening = grpc.server(ThreadPoolExecutor(2))
    listening.add_generic_rpc_handlers((Handler(),))
    port = listening.add_insecure_port("127.0.0.1:0")
    listening.start()
    yield f"127.0.0.1:{port}", came
    listening.stop(None).wait()


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["sampled", "unsampled"])
def test_metadata_has_the_ids_that_were_written_for_its_host(channel_to, sampler):
    """What `inject` was told a host for goes out, and nothing where it was told none, or a stranger."""
    module = pytest.importorskip("opentelemetry.instrumentation.grpc")
    grpc, (address, came) = pytest.importorskip("grpc"), channel_to
    came.clear()
    with border(sampler=sampler) as recorder:
        interceptor = module.client_interceptor(recorder.provider)
        named = langwatch.conversation(thread_id="the-thread", user_id="the-user")
        with grpc.insecure_channel(address) as opened, named:
            call = module.grpcext.intercept_channel(opened, interceptor).unary_unary("/orders.Orders/Place")
            for host in ("orders.internal", "api.example.com", None):
                metadata = [("baggage", "plan=pro")]
                if host:
                    langwatch.inject(metadata, host=host)
                call(b"", metadata=metadata)
        assert len(recorder.spans) == (3 if sampler is ALWAYS_ON else 0)
    assert [each["baggage"] for each in came] == [f"plan=pro,{IDS}", "plan=pro", "plan=pro"]
    assert ["traceparent" in each for each in came] == [True] * 3
