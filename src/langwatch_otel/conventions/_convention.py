"""What a vendor's declaration says."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from .._guard import say_once
from ..counts import VENDOR, was_cut
from ..privacy import marked

EVERY_SPAN: Final = "every span"
GENAI_SPANS: Final = "GenAI spans"
"""And the spans that our decorators make: what vendors' "AI spans only" filters let through anyway."""
LOCAL_ROOT: Final = "local root"
"""The span that stands for the turn: the first of the request in this process."""

Where = Literal["every span", "GenAI spans", "local root"]

COMMA: Final = "comma"
"""Labels in one string."""
JSON: Final = "json"
"""All metadata in one JSON object."""
TRUE: Final = "true"
"""The constant, wherever the field is named."""

Shape = Literal["", "comma", "json", "true"]


class Limit(NamedTuple):
    """What a vendor takes in a key: so many characters, perhaps of ASCII alone; and what it does with the rest."""

    length: int
    ascii: bool = False
    beyond: str = ""

    def fit(self, field: str, key: str, value: str) -> str:
        """Return the id in `field` as `key` takes it; a changed one ends in `~` and a hash of it all: no two merge."""
        if len(value) <= self.length and (not self.ascii or value.isascii()):
            return value
        say_once(f"{key}: an id was changed to what the vendor takes, with a hash of it at its end")
        shown = "".join(letter if letter.isascii() else "_" for letter in value) if self.ascii else value
        left = marked(value, shown, self.length)
        was_cut(field, VENDOR, left)
        return left


class Write(NamedTuple):
    """One attribute that is written: which field, under which key, on which spans, in which shape."""

    field: str
    """One of a conversation; or a text of the turn, `input` or `output`: on the local root alone, under our own key."""
    key: str
    """Of metadata, one that ends in a dot is a prefix: what follows is the metadata key."""
    on: Where = EVERY_SPAN
    shape: Shape = ""
    """Empty: ids as strings, labels as an array, a metadata value as it is."""
    limit: Limit | None = None
    """Of the vendor's own keys alone: a shared one must be the same everywhere."""


class Reads(NamedTuple):
    """Where a vendor's spans carry a field: its keys, in the vendor's own order of preference."""

    thread_id: tuple[str, ...] = ()
    user_id: tuple[str, ...] = ()
    customer_id: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    """Keys that hold a JSON object."""
    metadata_prefixes: tuple[str, ...] = ()
    """What follows the prefix is the metadata key."""
    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


class Convention(NamedTuple):
    """One vendor's spelling of a conversation: what we write for it, and what its spans are read by."""

    name: str
    """As the setting `conventions` names it; the module's name too."""
    title: str
    evidence: tuple[str, ...]
    """Where it is documented or implemented: a URL, or a path in the vendor's repository."""
    writes: tuple[Write, ...] = ()
    """All that the vendor needs, shared keys included, so that the convention is whole by itself."""
    reads: Reads = Reads()
    """What `canonical()` looks for."""
    shared_limits: Mapping[str, Limit] = MappingProxyType({})
    """What it takes in keys that others read too: nothing is cut for it there, `max_id_length` holds."""
    notes: tuple[str, ...] = ()
    """What somebody who chooses should know."""
