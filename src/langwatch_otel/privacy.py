"""How long an id may be, how a longer one is cut, and what a user's id is turned into where it must not be seen."""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmac import HMAC

HASH_LENGTH = 12

PSEUDONYM_LENGTH = 26
_BASE32 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

# So many pseudonyms are known again when they come back as plain text; none of the ids behind them is kept.
MAX_KNOWN = 10_000


def cut(value: str, length: int) -> str:
    """Return `value` in at most `length` characters: a prefix, `~` and a hash of the whole when it is longer.

    The same in every process, so a thread never splits; two long ids that begin alike never merge.
    """
    return value if len(value) <= length else marked(value, value, length)


def marked(value: str, shown: str, length: int) -> str:
    """Return in at most `length` characters as much of `shown` as fits, `~` and a hash of `value`."""
    import hashlib  # Ids that need it are rare, and the import is slow.

    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]
    return f"{shown[: max(0, length - HASH_LENGTH - 1)]}~{digest}"[-length:] if length else ""


def utf8(text: str) -> str:
    """Return `text` with what UTF-8 cannot say spelled out: one lone surrogate would cost a whole OTLP batch."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


class Pseudonym(str):
    """What stands for a user's id; the type says that it must not be hashed again."""

    __slots__ = ("_behind",)

    _behind: str

    @property
    def behind(self) -> str | None:
        """The raw id, to find it in texts: known to the object that was made of it alone, and never written."""
        return getattr(self, "_behind", None)

    def __reduce__(self) -> tuple[type[Pseudonym], tuple[str]]:
        return Pseudonym, (str.__str__(self),)  # A copy, or what another process gets, knows no raw id.


_known: OrderedDict[str, None] = OrderedDict()


def pseudonym(user_id: str, key: bytes) -> Pseudonym:
    """Return the pseudonym of `user_id`, the same in every process with that key; one of ours is its own."""
    if user_id in _known:
        return Pseudonym(user_id)
    from base64 import b32encode

    made = Pseudonym(b32encode(hashed(user_id, key))[:PSEUDONYM_LENGTH].decode())
    _remember(made)
    made._behind = user_id
    return made


def hashed(user_id: str, key: bytes) -> bytes:
    """Return HMAC-SHA-256 of the id's UTF-8; a pseudonym is the first 26 characters of its standard base32."""
    found = _keyed(key).copy()  # Begun once: it takes half of the time.
    found.update(utf8(user_id).encode())
    return found.digest()


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> HMAC:
    import hmac  # Slow to import, and needed where a key is set only.

    return hmac.new(key, None, "sha256")


@lru_cache(maxsize=1024)
def beginning(pseudonym: str) -> bytes:
    """Return the first 16 bytes of the hash that `pseudonym` was made of: comparing those costs less."""
    from base64 import b32decode

    return b32decode(pseudonym + "=" * (-len(pseudonym) % 8))[:16]


def received_pseudonym(text: str) -> Pseudonym | None:
    """Return `text` as the pseudonym that another service made of a user's id; None where it has not its form.

    For a border that trusts the sender: whoever says so may be lying, and a raw id of that form would go through.
    """
    if len(text) != PSEUDONYM_LENGTH or not _BASE32.issuperset(text):
        return None
    _remember(text)
    return Pseudonym(text)


def _remember(made: str) -> None:
    text = str.__str__(made)  # Without the id behind it.
    _known.pop(text, None)  # Not `move_to_end`: another thread may have put it out meanwhile.
    _known[text] = None
    if len(_known) > MAX_KNOWN:
        _known.popitem(last=False)


# Nobody names a conversation so, and on a page or in a log they pretend: controls, line ends, surrogates.
_REFUSED = frozenset(("Cc", "Cs", "Zl", "Zp"))
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_plain(text: str) -> bool:
    """Say whether `text` has only characters that an id from outside may have: no controls, no text direction."""
    if text.isascii() and text.isprintable():
        return True
    import unicodedata  # Rarely needed, and slow to load.

    return not any(each in _OVERRIDES or unicodedata.category(each) in _REFUSED for each in text)
