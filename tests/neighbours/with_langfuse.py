"""Langfuse: its processor and exporter, its wrapper of OpenAI's client, `@observe`, `propagate_attributes`."""

from langfuse import Langfuse, get_client, observe, propagate_attributes
from model import answer


def set_up(endpoint):
    """Send to `endpoint` as to Langfuse itself."""
    Langfuse(public_key="none", secret_key="none", base_url=endpoint)


@observe(name="turn")
def turn(said):
    """Return the answer."""
    from langfuse.openai import OpenAI

    return answer(OpenAI(max_retries=0), said)


def turn_of(said, session):
    """Return the answer, the session told to Langfuse."""
    with propagate_attributes(session_id=session, user_id=session):
        return turn(said)


def flush():
    """Send."""
    get_client().flush()
