"""The body of an HTTP/1.1 request, of a length that is said before or in chunks. https://www.rfc-editor.org/rfc/rfc9112"""

import re
from collections.abc import Iterator
from email.message import Message
from typing import BinaryIO

from .errors import RequestError

MAX_DISCARD = 64 * 1024 * 1024  # A client that is still sending never sees the answer to what it sends.

_PIECE = 64 * 1024
_LENGTH_DIGITS = 18  # More digits than any length has, and fewer than int() refuses.
_MAX_LINE = 4096  # Of a chunk's size with its extensions, or of a trailer.
_MAX_TRAILERS = 100

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


class RequestBody:
    """Reads one body from `stream`: as far as somebody asks, and the rest so that the next request can be read."""

    def __init__(self, method: str, headers: Message, stream: BinaryIO) -> None:
        self._stream = stream
        self._error: RequestError | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._length = 0
        encodings = [value.strip().lower() for value in headers.get_all("Transfer-Encoding", [])]
        lengths = {value.strip() for value in headers.get_all("Content-Length", [])}
        length = next(iter(lengths), "")
        if encodings and (encodings != ["chunked"] or lengths):
            # Another server on the way may see another end than we do.
            self._error = RequestError(400, "send Content-Length, or chunks alone")
        elif encodings:
            self._pieces = self._chunks()
        elif not lengths and method in ("POST", "PUT", "PATCH"):
            self._error = RequestError(411, "send Content-Length, or chunks")
        elif lengths and (len(lengths) > 1 or not _is_length(length)):
            self._error = RequestError(400, "Content-Length is not a length")
        elif length:
            self._length = int(length)
            self._pieces = self._counted(self._length)

    def read(self, limit: int) -> bytes:
        """Return the whole, or raise `RequestError`: it is longer than `limit`, or cannot be read."""
        if self._error is not None:
            raise self._error
        if self._length > limit:
            raise RequestError(413, f"the body is over {limit} bytes")
        read = bytearray()
        for piece in self._pieces:
            read += piece
            if len(read) > limit:
                raise RequestError(413, f"the body is over {limit} bytes")
        return bytes(read)

    def discard(self) -> bool:
        """Read what nobody has read; return False where the connection has to be closed, for its end is not known."""
        if self._error is not None or self._length > MAX_DISCARD:
            return False
        left = MAX_DISCARD
        try:
            for piece in self._pieces:
                left -= len(piece)
                if left < 0:
                    return False
        except RequestError:
            pass
        return self._error is None

    def _counted(self, length: int) -> Iterator[bytes]:
        while length:
            piece = self._stream.read(min(length, _PIECE))
            if not piece:
                raise self._broken("the body is shorter than its Content-Length")
            length -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while True:
            found = _CHUNK_SIZE.fullmatch(self._stream.readline(_MAX_LINE))
            if found is None:
                raise self._broken("the size of a chunk cannot be read")
            size = int(found[1], 16)
            if not size:
                break
            yield from self._counted(size)
            if self._stream.read(2) != b"\r\n":
                raise self._broken("a chunk is not as long as it says")
        for _ in range(_MAX_TRAILERS):
            if self._stream.readline(_MAX_LINE) == b"\r\n":
                return
        raise self._broken("the end of the chunks cannot be read")

    def _broken(self, why: str) -> RequestError:
        self._error = RequestError(400, why)
        return self._error


def _is_length(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LENGTH_DIGITS
