"""Laminar's SDK: the pipeline that `Laminar.initialize()` makes."""

import os
from urllib.parse import urlsplit

from lmnr import Instruments, Laminar, observe

from .plain import bare_client as client

__all__ = ["client"]

turn = observe()


def set_up():
    """Let it make the provider."""
    address = urlsplit(os.environ["VENDOR"])
    Laminar.initialize(
        project_api_key="none",
        base_url=f"{address.scheme}://{address.hostname}",
        http_port=address.port,
        force_http=True,
        instruments={Instruments.OPENAI},
    )


def flush():
    """Send what is queued."""
    Laminar.flush()
