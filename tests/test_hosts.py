"""Which destinations are inside."""

import random
import re
import socket

import pytest

from langwatch_otel.hosts import Destinations, destination_of

INSIDE = """
    localhost LOCALHOST localhost. orders my_service orders:8080 127.0.0.1 127.0.0.1. 127.8.9.1 10.0.0.1 172.16.0.1
    172.31.255.255 192.168.1.1 169.254.169.254 ::1 [::1] [::1]:80 fd00::1 fe80::1 fe80::1%eth0 [fe80::1%25eth0]
    ::ffff:10.0.0.1 [::ffff:127.0.0.1]:443 a.local a.b.internal A.INTERNAL. a.svc a.default.svc.cluster.local
    a.localhost nas.home.arpa bücher bücher.internal \uff11\uff12\uff17.0.0.1 a。internal xn--bcher-kva 1e3
""".split()
OUTSIDE = """
    example.com ai. com. localhost.example.com internal.example.com notlocal.xlocal 172.32.0.1 172.15.0.1 8.8.8.8
    0.0.0.0 100.64.0.1 192.0.2.1 :: ::ffff:8.8.8.8 ::10.0.0.1 64:ff9b::10.0.0.1 2001:db8::1 fec0::1 127.1 127.0.1
    0177.0.0.1 010.0.0.1 2130706433 0x7f000001 0x7f.0.0.1 1.2.3.4.5 256.0.0.1 127.0.0.1.nip.io a..internal .internal
    home.arpa user@localhost localhost%00 localhost/x [127.0.0.1] [::1 ::1] -a.internal a-.internal evil。com
    evil⒈com *.internal orders: orders:99999 a:b:c 10.0.0.1/8
""".split()


@pytest.mark.parametrize("host", INSIDE)
def test_inside(host):
    """An address of one's own, or a name of no public zone, is inside in every spelling that has one meaning."""
    assert Destinations().allows(host) is True


@pytest.mark.parametrize("host", [*OUTSIDE, "", " ", "a b", "a\n.internal", "a\\b", "a" * 64 + ".internal", "a." * 130])
def test_outside(host):
    """A public name or address, and what cannot be read as one host for certain, is not."""
    assert Destinations().allows(host) is False


ADDED = [
    ("api.example.com", "API.example.com.", None, True),
    ("api.example.com", "x.api.example.com", None, False),
    ("*.example.com", "a.b.example.com", None, True),
    ("*.example.com", "example.com", None, False),
    ("*.example.com", "notexample.com", None, False),
    ("203.0.113.0/24", "203.0.113.9", None, True),
    ("203.0.113.0/24", "::ffff:203.0.113.9", None, True),
    ("203.0.113.0/24", "203.0.114.9", None, False),
    ("2001:db8::/32", "[2001:db8::5]:443", None, True),
    ("203.0.113.5", "203.0.113.5", 80, True),
    ("api.example.com:8443", "api.example.com", 8443, True),
    ("api.example.com:8443", "api.example.com:8443", None, True),
    ("api.example.com:8443", "api.example.com", 443, False),
    ("api.example.com:8443", "api.example.com", None, False),
    ("*.example.com:8443", "a.example.com", 8443, True),
    ("[2001:db8::1]:9", "2001:db8::1", 9, True),
    ("bücher.example", "xn--bcher-kva.example", None, True),
    ("api.example.com", "localhost", None, True),
    ("none", "localhost", None, False),
    ("*", "anything.example", None, True),
    ("*", "", None, False),
]


@pytest.mark.parametrize(("pattern", "host", "port", "allowed"), ADDED)
def test_a_pattern_adds_what_it_says(pattern, host, port, allowed):
    """Exact, below, network, with a port, nowhere, anywhere."""
    assert Destinations((pattern,)).allows(host, port) is allowed


WRONG = """http://a.example a.example/path user@a.example *.com a.*.com *example.com 10.1.2.3/8 0177.0.0.1
    a.example:99999 a..b""".split()


@pytest.mark.parametrize("pattern", [*WRONG, "", "a b"])
def test_a_pattern_that_says_nothing_is_refused(pattern):
    """A pattern that is no host, no network and no `*.` of two labels raises."""
    with pytest.raises(ValueError):
        Destinations((pattern,))


def test_none_stands_alone():
    """`none` among other patterns is a contradiction."""
    with pytest.raises(ValueError):
        Destinations(("none", "a.example"))


URLS = {
    "http://user:word@localhost/": ("localhost", 80),
    "http://localhost@example.com/": ("example.com", 80),
    "https://[::1]/": ("[::1]", 443),
    "http://[::1]:8/x": ("[::1]", 8),
    "http://EXAMPLE.com#@localhost": ("example.com", 80),
    "wss://orders.internal:1/": ("orders.internal", 1),
    "http://orders.internal:8080?q=http://x": ("orders.internal", 8080),
    "//orders/": ("orders", None),
    "http://example.com\\@localhost/": None,
    "http://localhost\t.example.com/": None,
    "http://example.com\n.internal/": None,
    "ht\ttp://localhost/": None,
    "http://a b/": None,
    "http://x:99999/": None,
    "http:///path": None,
    "/path": None,
    "http://[::1/": None,
    "http://[::1].example.com/": None,
    "http://example.com[::1]/": None,
    "http://[::1]example.com:80/": None,
    "http://[::1]@example.com/": ("example.com", 80),
    "http://user@[::1]:8/": ("[::1]", 8),
    "http://example.com@x@localhost/": None,
}


@pytest.mark.parametrize("url", URLS)
def test_a_url_names_one_host_or_none(url):
    """User, path, query and fragment are no host; where two readers could differ there is none."""
    assert destination_of(url) == URLS[url]


def slow_and_obvious(host):
    """The rule again: by characters and by the socket library, without patterns and `ipaddress`."""
    if ":" in host:
        try:
            packed = socket.inet_pton(socket.AF_INET6, host)
        except OSError:
            return False
        if packed[:12] == bytes(10) + b"\xff\xff":
            return slow_and_obvious(".".join(str(byte) for byte in packed[12:]))
        return packed == bytes(15) + b"\x01" or packed[0] in (0xFC, 0xFD) or (packed[0] == 0xFE and packed[1] >> 6 == 2)
    absolute = host.endswith(".")
    labels = (host[:-1] if absolute else host).lower().split(".")
    for label in labels:
        if not 1 <= len(label) <= 63 or label[0] == "-" or label[-1] == "-":
            return False
        if any(each not in "abcdefghijklmnopqrstuvwxyz0123456789-_" for each in label):
            return False
    last = labels[-1]
    if last.isdigit() or (last.startswith("0x") and all(each in "0123456789abcdef" for each in last[2:])):
        if len(labels) != 4 or not all(label.isdigit() and str(int(label)) == label for label in labels):
            return False
        numbers = [int(label) for label in labels]
        if max(numbers) > 255:
            return False
        first, second = numbers[:2]
        return (
            first in (10, 127) or (first == 172 and 16 <= second <= 31) or (first, second) in ((192, 168), (169, 254))
        )
    if len(labels) == 1:
        return not absolute or last == "localhost"
    return last in ("local", "internal", "svc", "localhost") or (len(labels) > 2 and labels[-2:] == ["home", "arpa"])


def a_host(rng):
    """A random host: parts that matter, in any order, with accidents."""
    parts = (
        "local internal svc cluster localhost home arpa com example a b- -c _d 0 1 8 10 127 172 16 31 32 192 168 "
        "169 254 255 256 010 0x7f 0x 0177 ai xn--bcher-kva LOCAL Internal"
    ).split()
    if rng.random() < 0.15:
        return ":".join(
            rng.choice(["", "0", "1", "fe80", "fd00", "ffff", "fec0", "10.0.0.1", "8.8.8.8"])
            for _ in range(rng.randint(2, 8))
        )
    host = ".".join(rng.choice(parts) for _ in range(rng.choice([1, 1, 2, 3, 4, 4, 4, 5])))
    if rng.random() < 0.2:
        place = rng.randrange(len(host) + 1)
        host = host[:place] + rng.choice([".", "-", "@", " ", "%", "/", "\\", "0", "x", "\x00"]) + host[place:]
    return host + rng.choice(["", "", "."])


def test_random_hosts_are_decided_as_a_slow_and_obvious_rule_decides_them():
    """10^5 random host names, addresses and things that look like either: the two never differ."""
    rng = random.Random(20)
    rule = Destinations()._allows
    seen = {True: 0, False: 0}
    for _ in range(100_000):
        host = a_host(rng)
        if re.fullmatch(r"[^:]*:[0-9]{1,5}", host):
            continue  # A port, which the slow rule does not know.
        found = rule(host)
        assert found is slow_and_obvious(host), host
        seen[found] += 1
    assert min(seen.values()) > 10_000
