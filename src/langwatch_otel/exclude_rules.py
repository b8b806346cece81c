"""What a rule for spans to leave out says, and how it is written."""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import ConfigurationError, closest, perhaps
from .slow_patterns import doubles

SETTING = "span_exclude_rules"

ATTRIBUTE = "attribute:"

# A regular expression sees no more of a text: its time may grow with the third power of that.
MAX_MATCHED = 256

_FIELDS = ("name", "scope", f"{ATTRIBUTE}KEY")

# A comma between rules; one that belongs to a value is written `\,`.
_BETWEEN_RULES = re.compile(r"(?<!\\),")


def _matches(text: str, pattern: re.Pattern[str]) -> bool:
    return pattern.search(text[:MAX_MATCHED]) is not None


_OPERATIONS: Mapping[str, Callable[[str, Any], bool]] = {
    "equals": operator.eq,
    "contains": operator.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "matches": _matches,
}

_TAKES = (
    f"rules of a field ({', '.join(_FIELDS)}), an operation ({', '.join(_OPERATIONS)}) and a value,"
    " such as 'name starts_with http'"
)

# The LangWatch SDK's `SpanProcessingExcludeRule`, known by its attributes: what it calls the same.
_SDK_ATTRIBUTES = ("field_name", "match_operation", "match_value")
_SDK_FIELDS: Mapping[object, str] = {"span_name": "name"}
_SDK_OPERATIONS: Mapping[object, str] = {"includes": "contains", "exact_match": "equals"}


@dataclasses.dataclass(frozen=True)
class SpanExcludeRule:
    """Leave out the spans whose `field` compares to `value` as `op` says.

    `field` is `name`, `scope` (the name of the instrumentation scope) or `attribute:KEY`; `op` is `equals`,
    `contains`, `starts_with`, `ends_with` or `matches` (a regular expression, found anywhere in the first 256
    characters). Case counts. Numbers and booleans are compared as text (`200`, `true`), and a list by each of its
    items. Raises ConfigurationError for a field, an operation or a value that it does not take.
    """

    field: str
    op: str
    value: str
    attribute: str | None = dataclasses.field(init=False, repr=False, compare=False)
    """The key of the attribute that it looks at; None where it looks at the name or the scope."""
    _compare: Callable[[str, Any], bool] = dataclasses.field(init=False, repr=False, compare=False)
    _operand: str | re.Pattern[str] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        written = f"{self.field} {self.op} {self.value}"
        field, op, text = str(self.field), str(self.op), _text_of(self.value)
        key = field[len(ATTRIBUTE) :] if field.startswith(ATTRIBUTE) else None
        if field not in ("name", "scope") and not key:
            raise ConfigurationError(SETTING, written, _TAKES + perhaps(closest(field, _FIELDS)))
        if op not in _OPERATIONS:
            raise ConfigurationError(SETTING, written, _TAKES + perhaps(closest(op, _OPERATIONS)))
        if not isinstance(self.value, (str, int, float)) or not text:
            raise ConfigurationError(SETTING, written, _TAKES)
        operand = _compiled(text) if op == "matches" else text
        parsed = {"value": text, "attribute": key, "_compare": _OPERATIONS[op], "_operand": operand}
        for name, value in parsed.items():  # A frozen dataclass has no other way to its attributes.
            object.__setattr__(self, name, value)

    def holds(self, value: object) -> bool:
        """Say whether the rule holds for what stands in its field; never for what is not there."""
        if isinstance(value, str):
            return self._compare(value, self._operand)
        if isinstance(value, (list, tuple)):
            return any(self.holds(each) for each in value)
        return value is not None and self.holds(_text_of(value))


def _text_of(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled, slow = re.compile(pattern), doubles(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        takes = f"a regular expression after 'matches' ({error})"
        raise ConfigurationError(SETTING, pattern, takes) from None
    if slow:
        takes = "no repeat of what can repeat itself after 'matches', as in (a+)+: it may take for ever"
        raise ConfigurationError(SETTING, pattern, takes)
    return compiled


def parse_rules(_setting: str, value: object) -> tuple[SpanExcludeRule, ...]:
    r"""Return the rules of a list, of one rule, or of a text with commas between them (`\,` is a comma in a value)."""
    if isinstance(value, str):
        texts = (text.replace("\\,", ",") for text in _BETWEEN_RULES.split(value))
        return tuple(_from_text(text) for text in texts if text.strip())
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return tuple(_rule(each) for each in value)
    return (_rule(value),)


def _rule(given: object) -> SpanExcludeRule:
    if isinstance(given, SpanExcludeRule):
        return given
    if isinstance(given, str):
        return _from_text(given)
    if all(hasattr(given, name) for name in _SDK_ATTRIBUTES):
        field, op, value = (getattr(given, name) for name in _SDK_ATTRIBUTES)
        return SpanExcludeRule(_SDK_FIELDS.get(field, field), _SDK_OPERATIONS.get(op, op), value)
    raise ConfigurationError(SETTING, given, _TAKES)


def _from_text(text: str) -> SpanExcludeRule:
    parts = text.split(None, 2)
    if len(parts) != 3:
        raise ConfigurationError(SETTING, text, _TAKES)
    field, op, value = parts
    return SpanExcludeRule(field, op, value.rstrip())
