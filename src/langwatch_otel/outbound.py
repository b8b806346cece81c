"""Where a call goes, as its span says, and whether ids may go there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, format_span_id

from . import config, counts
from ._guard import swallowed
from .hosts import Destinations, destination_of
from .open_span import SPAN_KEY
from .stamping import attributes_of

# Where spans of clients say whom they call: today's names and yesterday's.
_URLS = ("url.full", "http.url")
_BROKERS = "messaging.url"
_WITH_PATH = re.compile(r"[^/]*//[^/?#]*[/?#]")
_HOSTS = (("server.address", "server.port"), ("net.peer.name", "net.peer.port"))


# Of several brokers, JSON: ["one:9092", "two:9092"], or "one:9092"; aiokafka's instrumentation calls that an address.
_JSON = ('"', '["')
_BETWEEN_BROKERS = re.compile(r"[\s,;\[\]\"']+")


def withheld_by_span(context: Context) -> str | None:
    """Say why ids may not go where the call goes that the span of `context` stands for; None where they may."""
    span: Any = context.get(SPAN_KEY)
    kind = getattr(span, "kind", None)
    # Any other kind of span carries the address of this process, or none.
    if kind is not SpanKind.CLIENT and kind is not SpanKind.PRODUCER:
        return counts.UNSAMPLED if kind is None and _is_unsampled(span) else counts.UNKNOWN
    if not span.get_span_context().trace_flags.sampled:
        return counts.UNSAMPLED
    # The SDK says at no other place where it cuts attributes.
    limit = getattr(getattr(span, "_limits", None), "max_span_attribute_length", None)
    named = False
    for host, port in _destinations(attributes_of(span), limit):
        if host is None:
            return counts.UNKNOWN
        if not allows(host, port):
            return counts.HOST
        named = True
    if named:
        return None
    if kind is not SpanKind.PRODUCER:
        return counts.UNKNOWN
    return counts.HOST if _is_nowhere() else None


def calling(context: Context) -> str | None:
    """Return the id of the span of `context`, as headers say it, where that is a sampled CLIENT span."""
    span: Any = context.get(SPAN_KEY)
    if getattr(span, "kind", None) is not SpanKind.CLIENT:
        return None
    found = span.get_span_context()
    return format_span_id(found.span_id) if found.trace_flags.sampled else None


def _is_unsampled(span: Any) -> bool:
    context = span.get_span_context() if span is not None else None
    return context is not None and context.is_valid and not context.trace_flags.sampled


def _destinations(attributes: Any, limit: int | None) -> Iterable[tuple[str | None, int | None]]:
    """Yield every host that the attributes of a client's span name; they may differ, and then all count.

    One that ends within its host at `limit` may have been of another host: that is none.
    """
    for key in _URLS:
        if (url := attributes.get(key)) is not None:
            text = str(url)
            cut = limit is not None and len(text) >= limit and _WITH_PATH.match(text) is None
            yield (None if cut else destination_of(text)) or (None, None)
    if _BROKERS in attributes:
        yield from _brokers(str(attributes[_BROKERS]), limit)
    for key, port_key in _HOSTS:
        if (host := attributes.get(key)) is not None:
            text = str(host)
            if text.startswith(_JSON):
                yield from _brokers(text, limit)
                continue
            port = attributes.get(port_key)
            cut = limit is not None and len(text) >= limit
            yield None if cut else text, port if isinstance(port, int) else None


def _brokers(text: str, limit: int | None) -> Iterable[tuple[str | None, int | None]]:
    if limit is not None and len(text) >= limit:
        yield None, None
    for broker in list(filter(None, _BETWEEN_BROKERS.split(text))) or [None]:
        yield (destination_of(broker) or (None, None)) if broker and "://" in broker else (broker, None)


@lru_cache(8)
def _inside(patterns: tuple[str, ...]) -> Destinations:
    return Destinations(patterns)


def _is_nowhere() -> bool:
    return config.active().outbound_hosts == ("none",)


def allows(host: str, port: int | None = None) -> bool:
    """Say whether ids may go to `host` at `port`, under the setting `outbound_hosts`; never raises.

    `host` is a name or an address, perhaps with brackets or `:port`. What cannot be read as one host is not allowed.
    Where a client follows a redirect by itself, ask this for the new destination; `strip` the headers if it says no.
    """
    try:
        return _inside(config.active().outbound_hosts).allows(host, port)
    except Exception as error:
        swallowed("looking whether a host is inside", error)
        return False
