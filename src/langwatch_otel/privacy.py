"""How long an id may be, and how a longer one is cut."""

HASH_LENGTH = 12


def cut(value: str, length: int) -> str:
    """Return `value` in at most `length` characters: a prefix, `~` and a hash of the whole when it is longer.

    The same in every process, so a thread never splits; two long ids that begin alike never merge.
    """
    if len(value) <= length:
        return value
    import hashlib  # Ids that long are rare, and the import is slow.

    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]
    return f"{value[: max(0, length - HASH_LENGTH - 1)]}~{digest}"[-length:] if length else ""


def utf8(text: str) -> str:
    """Return `text` with what UTF-8 cannot say spelled out: one lone surrogate would cost a whole OTLP batch."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
