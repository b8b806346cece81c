"""Logfire: its own exporter, `instrument_openai`, its default scrubbing unless told otherwise."""

import os

import logfire
from model import answer, client


def set_up(endpoint):
    """Send to `endpoint` as to Logfire itself; its address, token and other settings are in the environment."""
    if snippet := os.environ.get("NEIGHBOURS_SNIPPET"):
        exec(snippet, {})
    else:
        logfire.configure()
    logfire.instrument_openai()


def turn(said):
    """Return the answer, in a span of Logfire's."""
    with logfire.span("turn"):
        return answer(client(), said)


def turn_of(said, session):
    """Return the answer, the session told as baggage, which Logfire puts on spans."""
    with logfire.set_baggage(**{"session.id": session, "gen_ai.conversation.id": session}):
        return turn(said)


def flush():
    """Send."""
    logfire.force_flush()
