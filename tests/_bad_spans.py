"""Spans that nobody meant to send, from a seed: hypothesis takes thirty times as long to draw one of this size."""

import json
import random

from langwatch_otel.conventions._reading.keys import INPUTS, OUTPUTS, SCALARS, TRANSCRIPTS

STEPS = "role content parts type text tool_calls function name arguments message id 0 1 value messages data".split()
WORDS = [*STEPS, "user", "assistant", "tool_call", "tool-result", "chat_messages", "list", "{", "\ud800"]
EVENT_NAMES = [
    "gen_ai.user.message",
    "gen_ai.choice",
    "gen_ai.content.prompt",
    "gen_ai.client.inference.operation.details",
    "x",
]
EVENT_KEYS = ["content", "role", "message", "tool_calls", "id", "gen_ai.prompt", "gen_ai.input.messages", "event.name"]
SCALARS_OF = [
    None,
    True,
    False,
    0,
    -1,
    7,
    2**63,
    10**30,
    0.5,
    -0.0,
    float("nan"),
    float("inf"),
    b"",
    b"ok",
    b"\xff\xfe",
]
TEXTS = ["", " ", "é", "漢字", "\x00", "\ud83d", "🙂", "a\nb", '"', "[]", "{}", "[1", "null", "NaN", "1e999", "\\u0000"]


def keys_of(conventions):
    """The keys that mean something to a reader of `conventions`."""
    named = [key for each in conventions for keys in each.reads for key in keys]
    return [*named, *INPUTS, *OUTPUTS, *TRANSCRIPTS, *" ".join(SCALARS.values()).split()]


class BadSpans:
    """What `canonical()` is given, made of one seed."""

    def __init__(self, seed, keys):
        self._random = random.Random(seed)
        self._keys = keys

    def arguments(self):
        """Attributes, resource, events and log records."""
        return {
            "attributes": self._span(),
            "resource": self._span(),
            "events": [(self._one(EVENT_NAMES), self._fields()) for _ in self._some(3)],
            "logs": [(self._one(EVENT_NAMES), self._body(), self._fields()) for _ in self._some(3)],
        }

    def _one(self, of):
        return of[int(self._random.random() * len(of))]

    def _some(self, most):
        return range(int(self._random.random() * (most + 1)))

    def _scalar(self):
        kind = self._random.random()
        return self._one(WORDS if kind < 0.6 else SCALARS_OF if kind < 0.8 else TEXTS)

    def _shape(self, depth=4):
        kind = self._random.random()
        if not depth or kind < 0.3:
            return self._scalar()
        if kind < 0.6:
            return [self._shape(depth - 1) for _ in self._some(4)]
        return {self._one(WORDS): self._shape(depth - 1) for _ in self._some(4)}

    def _value(self):
        kind = self._random.random()
        if kind < 0.4:
            return self._shape()
        text = json.dumps(self._shape(), default=repr)
        return text if kind < 0.8 else text[: int(self._random.random() * (len(text) + 1))]

    def _fields(self):
        return {self._one(EVENT_KEYS): self._value() for _ in self._some(3)}

    def _body(self):
        return self._value() if self._random.random() < 0.5 else self._fields()

    def _key(self):
        key = self._one(self._keys)
        if not key.endswith("."):
            return key
        return key + ".".join(self._one([*STEPS, "999999999"]) for _ in self._some(6))

    def _span(self):
        return {self._key(): self._value() for _ in self._some(8)}
