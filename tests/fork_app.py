"""A web application for servers that fork."""

import os

from fastapi import FastAPI
from opentelemetry import trace

import langwatch_otel as langwatch

langwatch.setup(instrumentors=[])
tracer = trace.get_tracer("application")
app = FastAPI(openapi_url=None)


@app.post("/ask")
async def ask(body: dict):
    """Name the conversation in the middle; say which process it was."""
    with tracer.start_as_current_span("before"):
        pass
    langwatch.set_conversation(thread_id=body["thread_id"], user_id=body["user_id"])
    with tracer.start_as_current_span("after"):
        return os.getpid()


@app.post("/thread")
def in_a_thread(body: dict):
    """The same, where many are served at once."""
    langwatch.set_conversation(thread_id=body["thread_id"], user_id=body["user_id"])
    with tracer.start_as_current_span("after"):
        return os.getpid()


@app.post("/fork")
def fork(body: dict):
    """A child of its own, in the middle of a request, that has a conversation of its own and one of the request's."""
    langwatch.set_conversation(thread_id=body["thread_id"], user_id=body["user_id"])
    pid = os.fork()
    if pid == 0:
        try:
            with tracer.start_as_current_span("in the child"):
                pass
            with langwatch.trace(name="of its own", thread_id="child", user_id="user of child"):
                pass
            trace.get_tracer_provider().force_flush()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]
