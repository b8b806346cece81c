"""OpenLIT: `openlit.init`, `openlit.trace`, its instrumentation of OpenAI's client."""

import openlit
from model import answer, client


def set_up(endpoint):
    """Send to `endpoint` with its own exporter."""
    openlit.init(
        otlp_endpoint=endpoint,
        service_name="service",
        disable_metrics=True,
        pricing_json=f"{endpoint}/pricing.json",
        disabled_instrumentors=["fastapi", "starlette", "httpx", "requests", "urllib", "urllib3"],
    )


@openlit.trace
def turn(said):
    """Return the answer."""
    return answer(client(), said)


def turn_of(said, session):
    """Return the answer, the session told to OpenLIT."""
    with openlit.using_attributes({"session.id": session, "gen_ai.conversation.id": session}):
        return turn(said)


def flush():
    """Nothing: the provider was flushed."""
