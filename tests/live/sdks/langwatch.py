"""LangWatch's SDK, as its documentation says: the same program, with another import line, and its tracking of calls."""

import os
from contextlib import contextmanager, nullcontext

import langwatch

from .plain import bare_client

turn = langwatch.trace()
clients = []


def set_up():
    """Let it make the provider."""
    langwatch.setup(api_key="none", endpoint_url=os.environ["VENDOR"])


def client():
    """The client, whose calls are tracked in each trace."""
    clients.append(bare_client())
    return clients[0]


def around(thread_id, user_id):
    """Nothing: outside of a trace there is nothing to name."""
    return nullcontext()


@contextmanager
def naming(thread_id, user_id):
    """Name the trace, and track the model's calls in it."""
    current = langwatch.get_current_trace()
    current.autotrack_openai_calls(clients[0])
    current.update(metadata={"thread_id": thread_id, "user_id": user_id})
    yield
