"""Traceloop's SDK, as its documentation says: `@workflow`, association properties, its instrumentation of OpenAI."""

import os
from contextlib import contextmanager

from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import workflow
from traceloop.sdk.instruments import Instruments

from .plain import bare_client as client

__all__ = ["client"]


def set_up():
    """Let it make the provider."""
    Traceloop.init(
        api_endpoint=os.environ["VENDOR"], api_key="none", telemetry_enabled=False, instruments={Instruments.OPENAI}
    )


turn = workflow(name="turn")


@contextmanager
def naming(thread_id, user_id):
    """Name what comes."""
    Traceloop.set_association_properties({"session_id": thread_id, "user_id": user_id})
    yield
