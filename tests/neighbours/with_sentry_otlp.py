"""Sentry: `OTLPIntegration`, which sends OpenTelemetry's spans to Sentry over OTLP."""

from urllib.parse import urlsplit

import sentry_sdk
from sentry_sdk.integrations.otlp import OTLPIntegration
from with_sentry import turn, turn_of

__all__ = ["flush", "set_up", "turn", "turn_of"]


def set_up(endpoint):
    """Send to `endpoint` as to Sentry itself."""
    sentry_sdk.init(
        dsn=f"http://key@{urlsplit(endpoint).netloc}/1",
        default_integrations=False,
        integrations=[OTLPIntegration()],
    )


def flush():
    """Nothing: the provider was flushed."""
