"""Laminar: `Laminar.initialize`, `observe`, its instrumentation of OpenAI's client."""

from urllib.parse import urlsplit

from lmnr import Instruments, Laminar, observe
from model import answer, client


def set_up(endpoint):
    """Send to `endpoint` as to Laminar itself."""
    address = urlsplit(endpoint)
    Laminar.initialize(
        project_api_key="none",
        base_url=f"{address.scheme}://{address.hostname}",
        http_port=address.port,
        force_http=True,
        instruments={Instruments.OPENAI},
    )


@observe(name="turn")
def turn(said):
    """Return the answer."""
    return answer(client(), said)


@observe(name="turn", session_id="theirs", user_id="theirs")
def turn_of(said, session):
    """Return the answer, the session told to Laminar."""
    return answer(client(), said)


def flush():
    """Send."""
    Laminar.flush()
