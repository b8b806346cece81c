"""How long an id may be, and how a longer one is cut."""

HASH_LENGTH = 12


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
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
