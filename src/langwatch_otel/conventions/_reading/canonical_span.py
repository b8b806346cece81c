"""What one span says, in our spelling."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ...identity import EMPTY, Conversation
from .content import SILENT, Said
from .parts import Message


class Canonical(NamedTuple):
    """What one span says, in our spelling: an immutable value; what the span does not say is None or empty.

    Messages and text are read when they are first asked for, from values that were taken when the span was read:
    lists and objects among them are not to be changed before. Those in the metadata belong to this value alone.
    """

    conversation: Conversation = EMPTY
    keys: tuple[Mapping[str, str], ...] = ()
    """What `took` is made of, without input and output; a later one wins."""
    said: Said = SILENT
    """What `input`, `output` and their messages are read from."""
    model: str | None = None
    provider: str | None = None
    operation: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    tool_name: str | None = None
    span_type: str | None = None
    """In LangWatch's words: llm, chain, tool, agent, guardrail, evaluation, rag, workflow, ..."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Copied, or handed to another process: a view of a mapping cannot be pickled.
        return Canonical, (self.conversation, tuple(map(dict, self.keys)), *self[2:])

    @property
    def took(self) -> Mapping[str, str]:
        """From a field, as `thread_id`, `input` or `model`, to the key that it was taken from."""
        content = {"input": self.said.input.took, "output": self.said.output.took}
        found = (*self.keys, {field: key for field, key in content.items() if key})
        return MappingProxyType({field: key for keys in found for field, key in keys.items()})

    @property
    def input_messages(self) -> tuple[Message, ...]:
        """What went in, where it has roles."""
        return self.said.input.messages

    @property
    def output_messages(self) -> tuple[Message, ...]:
        """What came out, where it has roles."""
        return self.said.output.messages

    @property
    def input(self) -> str | None:
        """The text that went in, where it is not messages."""
        return self.said.input.text

    @property
    def output(self) -> str | None:
        """The text that came out, where it is not messages."""
        return self.said.output.text


NOTHING = Canonical()
