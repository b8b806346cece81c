"""The last step of each HTTP client before the wire: there the host is the one that is called, whatever a span says.

A redirect inside one span, a URL without a span, headers that are used again: what the propagator wrote for one
host would go to the next. Only here is that seen, so that ids are taken off where the host is not inside, and put
on where it is and an instrumentation asked for them when the call went to another.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from typing import Any

from opentelemetry.context import get_current

from langwatch_otel import border
from langwatch_otel._guard import swallowed
from langwatch_otel.frameworks.wrapping import Method, MethodWrapper
from langwatch_otel.hosts import destination_of
from langwatch_otel.outbound import calling
from langwatch_otel.propagation import allows, completed, strip
from langwatch_otel.wire import HEADER, rewrite

Destination = tuple[str, int | None]
Arguments = tuple[Any, ...]
Look = Callable[[Arguments, dict[str, Any]], Arguments | None]
"""Looks at the arguments of a call, may change what is no caller's own, and returns others instead."""

_NAMES = (HEADER, HEADER.encode())


def on() -> None:
    """Take ids off what HTTP clients send to strangers, once they are imported; nothing is imported for it."""
    for hook in _hooks:
        hook.on()


def off() -> None:
    """Look at no request any more."""
    for hook in _hooks:
        hook.off()


def _carries(headers: Iterable[Any]) -> bool:
    """Say whether there is a baggage header in a mapping or among pairs: most requests have none."""
    for name in headers:
        name = name[0] if type(name) is tuple else name
        if len(name) == len(HEADER) and name.lower() in _NAMES:
            return True
    return False


def _change(headers: Any, destinations: Callable[[], Iterable[Destination | None]]) -> Callable[[Any], None] | None:
    """Return what is to be done to `headers`, which go to `destinations`: take ids off, put them on, or nothing."""
    if not headers or not border.stands():
        return None
    carries = _carries(headers)
    if not carries and calling(get_current()) is None:
        return None
    if not _all_inside(destinations):
        return strip if carries else None
    header = completed(headers) if border.is_in_force() else None
    return functools.partial(_write, header=header) if header else None


def _all_inside(destinations: Callable[[], Iterable[Destination | None]]) -> bool:
    """Say whether a call goes to hosts that are inside; not where that cannot be told."""
    try:
        return all(found is not None and allows(*found) for found in destinations())
    except Exception as error:
        swallowed("asking an HTTP client where it sends", error)
        return False


def _write(headers: Any, header: str) -> None:
    rewrite(headers, lambda _: "")
    if isinstance(headers, MutableSequence):
        headers.append((HEADER.encode(), header.encode("latin-1")))
    else:
        headers[HEADER] = header


def _in_httpcore(arguments: Arguments, _: dict[str, Any]) -> None:
    """`handle_request(pool, request)`: httpx and httpx2, also through a proxy, in HTTP/1.1 and HTTP/2."""
    request = arguments[1]

    def destinations() -> Iterator[Destination]:
        origin = request.url.origin
        yield origin.host.decode("ascii"), origin.port

    if change := _change(request.headers, destinations):
        change(request.headers)


def _in_urllib3(arguments: Arguments, given: dict[str, Any]) -> None:
    """`_make_request(pool, connection, method, url, headers=)`: urllib3, and requests, which sends with it."""
    pool, url = arguments[0], arguments[3]
    headers: Any = given.get("headers")

    def destinations() -> Iterator[Destination | None]:
        if not url.startswith("/"):  # The whole URL is for a proxy.
            yield destination_of(url)
        if url.startswith("/") or pool.proxy is None:
            yield pool.host, pool.port or pool.ConnectionCls.default_port

    if change := _change(headers, destinations):
        # They may be the caller's own, or those of every request of a pool.
        given["headers"] = copied = headers.copy()
        change(copied)


def _in_aiohttp(arguments: Arguments, _: dict[str, Any]) -> None:
    """`send(request, connection)`: one request for each step of a redirect, with headers of its own."""
    request = arguments[0]
    if change := _change(request.headers, lambda: [(request.url.raw_host, request.url.port)]):
        change(request.headers)


def _in_urllib(arguments: Arguments, _: dict[str, Any]) -> Arguments | None:
    """`do_open(handler, http_class, request)`: the host of a request may be its proxy's, its URL is not."""
    handler, http_class, request, *more = arguments
    sent = request
    for name in ("unredirected_hdrs", "headers"):
        headers = getattr(request, name)
        if change := _change(headers, lambda: [destination_of(request.full_url)]):
            # Of the request itself the next step of a redirect is made.
            sent = copy.copy(request) if sent is request else sent
            setattr(sent, name, copied := headers.copy())
            change(copied)
    return handler, http_class, sent, *more


def _hook(module: str, owner: str, method: str, look: Look) -> MethodWrapper:
    def see(arguments: Arguments, given: dict[str, Any]) -> Arguments:
        if hook.active:
            try:
                return look(arguments, given) or arguments
            except Exception as error:
                swallowed(f"looking where {module} sends", error)
        return arguments

    def wrap(original: Method) -> Method:
        @functools.wraps(original)
        def send(*arguments: Any, **given: Any) -> Any:
            return original(*see(arguments, given), **given)

        @functools.wraps(original)
        async def send_async(*arguments: Any, **given: Any) -> Any:
            return await original(*see(arguments, given), **given)

        return send_async if inspect.iscoroutinefunction(original) else send

    hook = MethodWrapper(module, owner, method, wrap)
    return hook


# Not where OpenTelemetry's instrumentations put theirs: they take off what is outermost there, whosever it is.
_hooks = (
    _hook("httpcore", "ConnectionPool", "handle_request", _in_httpcore),
    _hook("httpcore", "AsyncConnectionPool", "handle_async_request", _in_httpcore),
    _hook("httpcore2", "ConnectionPool", "handle_request", _in_httpcore),
    _hook("httpcore2", "AsyncConnectionPool", "handle_async_request", _in_httpcore),
    _hook("urllib3.connectionpool", "HTTPConnectionPool", "_make_request", _in_urllib3),
    _hook("aiohttp.client_reqrep", "ClientRequest", "send", _in_aiohttp),
    _hook("urllib.request", "AbstractHTTPHandler", "do_open", _in_urllib),
)
