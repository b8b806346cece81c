"""The reading side of the conventions: `canonical()`, and what it returns.

Its work is bounded: 4 Mi characters of one value are parsed as JSON, 1 Mi of one text are kept, 1000 messages of one
direction, 1000 parts of one message, 1000 names of metadata, 8 levels of a metadata value, 10,000 events or log
records, 1024 characters of an id, 256 of a key.
"""

from .. import CONVENTIONS
from .canonical_span import Canonical
from .content import Content, Said
from .parts import Message, ToolCall
from .reader import Reader

__all__ = ["Canonical", "Content", "Message", "Reader", "Said", "ToolCall", "canonical"]

canonical = Reader(CONVENTIONS).canonical
