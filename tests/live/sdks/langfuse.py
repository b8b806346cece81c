"""Langfuse's SDK, as its documentation says: `@observe()`, `propagate_attributes()`, its wrapper of OpenAI's client."""

import os

from langfuse import Langfuse, get_client, observe, propagate_attributes
from langfuse.openai import OpenAI

turn = observe()


def set_up():
    """Let it make the provider."""
    Langfuse(public_key="none", secret_key="none", base_url=os.environ["VENDOR"])


def client():
    """The wrapped client."""
    return OpenAI(base_url=os.environ["MODEL"], api_key="none", max_retries=0)


def flush():
    """Send what is queued."""
    get_client().flush()


def naming(thread_id, user_id):
    """Name what is inside."""
    return propagate_attributes(session_id=thread_id, user_id=user_id)
