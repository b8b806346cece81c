"""Which destinations are inside: a pure rule over host names, addresses and patterns.

What cannot be read as one host for certain is not inside.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

# Loopback, private and link-local; `is_private` of the standard library says yes to much more.
NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 ::1/128 fc00::/7 fe80::/10".split()
    )
)
SUFFIXES = (".local", ".internal", ".svc", ".cluster.local", ".localhost", ".home.arpa")

NOWHERE, ANYWHERE = "none", "*"
TAKES = "hosts, *.example.com, CIDR networks, host:port, none or *"

# Decisions are remembered for so many hosts; a crawler's are without end.
REMEMBERED = 1024

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Resolvers read such a last label as part of an address: octal, decimal or hexadecimal, each in its own way.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WITH_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*):(?P<port>[0-9]{1,5})")
# What urlsplit() reads as an address in brackets may have more around it; which `@` counts is a matter of taste.
_AUTHORITY = re.compile(r"(?:[^@]*@)?(?:\[[^\[\]]*\]|[^@:\[\]]*)(?::[0-9]*)?")
_NOT_IN_AUTHORITY = re.compile(r"[\x00-\x20\x7f\\]")
# Nine URLs of ten, in a tenth of the time.
_ORDINARY = re.compile(r"(https?)://([a-z0-9._-]+)(?::([0-9]{1,4}))?(?:[/?#][!-\[\]-~]*)?")
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
MAX_NAME = 253
MAX_PORT = 65535

Address = IPv4Address | IPv6Address


class Host(NamedTuple):
    """One host: an address, or a name in lower case and ASCII without its last dot."""

    name: str
    address: Address | None = None
    absolute: bool = False
    """It was written with a last dot: no search domain is added to it."""


def host_of(text: str) -> Host | None:
    """Return the host that `text` names, or None: no port, user or path; IDNA; brackets round IPv6 or none.

    Octal, decimal, hexadecimal and shortened IPv4 addresses are nothing, for no two resolvers read them alike.
    """
    if not text or len(text) > MAX_NAME + 1:
        return None
    if text[0] == "[":
        return _ipv6(text[1:-1]) if text[-1] == "]" else None
    if ":" in text:
        return _ipv6(text)
    name = text.lower() if text.isascii() else _ascii(text)
    absolute = name.endswith(".")
    name = name[:-1] if absolute else name
    labels = name.split(".")
    if len(name) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return Host(name, IPv4Address(name))
        except ValueError:
            return None
    return Host(name, None, absolute)


def _ascii(text: str) -> str:
    """Return the ASCII form of an international name, or an empty string."""
    # First, because some characters become a dot, a slash or a digit.
    text = unicodedata.normalize("NFKC", text.translate(_DOTS)).lower()
    try:
        return text if text.isascii() else text.encode("idna").decode().lower()
    except UnicodeError:
        return ""


def _ipv6(text: str) -> Host | None:
    try:
        address = IPv6Address(text.replace("%25", "%", 1))
    except ValueError:
        return None
    mapped = address.ipv4_mapped
    return Host(str(mapped or address), mapped or IPv6Address(int(address)))


def host_and_port(text: str) -> tuple[str, int | None]:
    """Split `host:port`; what has no port, and a bare IPv6 address, is all host."""
    found = _WITH_PORT.fullmatch(text)
    if found is None or int(found["port"]) > MAX_PORT:
        return text, None
    return found["host"], int(found["port"])


def destination_of(url: str) -> tuple[str, int | None] | None:
    """Return the host and the port of `url`, or None where readers may disagree about them."""
    if (ordinary := _ORDINARY.fullmatch(url)) is not None:
        scheme, name, number = ordinary.groups()
        return name, int(number) if number else _PORTS[scheme]
    try:
        parts = urlsplit(url)
        authority, host, port = parts.netloc, parts.hostname, parts.port
    except ValueError:
        return None
    # Some end the authority at a backslash, some do not; urlsplit() drops tabs and line ends from the whole.
    if not host or _NOT_IN_AUTHORITY.search(authority) or _NOT_IN_AUTHORITY.search(url[: url.find(authority)]):
        return None
    if _AUTHORITY.fullmatch(authority) is None:
        return None
    bracketed = f"[{host}]" if authority.rpartition("@")[2].startswith("[") else host
    return bracketed, port if port is not None else _PORTS.get(parts.scheme)


def is_internal(host: Host) -> bool:
    """Say whether `host` is inside without anybody's word: an address of one's own, or a name of no public zone."""
    if host.address is not None:
        return any(host.address in network for network in NETWORKS)
    if "." not in host.name:
        return not host.absolute or host.name == "localhost"  # `ai.` is a public host.
    return host.name.endswith(SUFFIXES)


class Pattern(NamedTuple):
    """What one pattern of `outbound_hosts` says; one of the first three is there."""

    name: str | None = None
    suffix: str | None = None
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def matches(self, host: Host, port: int | None) -> bool:
        """Say whether it is about `host` at `port`."""
        if self.port is not None and self.port != port:
            return False
        if host.address is not None:
            return self.network is not None and host.address in self.network
        return host.name == self.name or (self.suffix is not None and host.name.endswith(self.suffix))


def pattern_of(text: str) -> Pattern:
    """Return what `text` says: a host, `*.example.com`, a network, or a host or `*.` with a port.

    Raises ValueError for anything else.
    """
    if "/" in text:
        return Pattern(network=ip_network(text))
    name, port = host_and_port(text)
    below = name.startswith("*.")
    host = host_of(name[2:] if below else name)
    if host is None or (below and (host.address is not None or "." not in host.name)):
        raise ValueError("not a host")
    if host.address is not None:
        return Pattern(network=ip_network(host.address), port=port)
    return Pattern(suffix="." + host.name, port=port) if below else Pattern(name=host.name, port=port)


class Destinations:
    """Where ids may go: what is internal, and what the patterns add to it; `none` is nowhere, `*` anywhere."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        """Raise ValueError for a pattern that says nothing, and for `none` among others."""
        if NOWHERE in patterns and len(patterns) > 1:
            raise ValueError("none stands alone")
        self._nowhere = NOWHERE in patterns
        self._anywhere = ANYWHERE in patterns
        self._patterns = tuple(pattern_of(each) for each in patterns if each not in (NOWHERE, ANYWHERE))
        self.allows = lru_cache(REMEMBERED)(self._allows)

    def _allows(self, host: str, port: int | None = None) -> bool:
        """Say whether ids may go to `host` at `port`; `host` may be `host:port`; an unknown port matches none."""
        if self._nowhere or not host:
            return False
        if self._anywhere:
            return True
        host, own_port = host_and_port(host)
        found = host_of(host)
        if found is None:
            return False
        port = own_port if port is None else port
        return is_internal(found) or any(pattern.matches(found, port) for pattern in self._patterns)
