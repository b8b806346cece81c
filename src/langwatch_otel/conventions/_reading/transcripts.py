"""Messages told one by one: as span events, as log records, as one list of a whole run."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from .messages import MAX_MESSAGES, instructions_of, messages_of, speaking
from .parts import Message
from .values import decoded, object_of

Direction = tuple[Message, ...]
Event = tuple[str, Mapping[str, Any]]
Log = tuple[str, Any, Mapping[str, Any]]
Told = tuple[str, Mapping[str, Any]]
"""An event's name, and its fields."""

MAX_EVENTS = 10_000
"""Events, and log records, that are looked at for one span."""

DETAILS = "gen_ai.client.inference.operation.details"
CHOICE = "gen_ai.choice"
_SAID = {f"gen_ai.{role}.message": role for role in ("system", "developer", "user", "assistant", "tool")}
_ASKING = frozenset({"system", "developer", "user"})
_WHOLE = {"gen_ai.content.prompt": "gen_ai.prompt", "gen_ai.content.completion": "gen_ai.completion"}
_NAMES = frozenset({*_SAID, *_WHOLE, CHOICE, DETAILS})
_EVENT, _LOG = 2, 3  # The values of each.


def told_by_events(events: Iterable[Event]) -> list[Told]:
    """Return the span events that carry messages."""
    return [event for event in islice(events, MAX_EVENTS) if _is_told(event)]


def told_by_logs(logs: Iterable[Log]) -> list[Told]:
    """Return the log records that carry messages: what they say is in the body, or beside it."""
    told: list[Told] = []
    for log in islice(logs, MAX_EVENTS):
        if isinstance(log, (tuple, list)) and len(log) == _LOG:
            attributes = object_of(log[2])  # A record may have none.
            name = log[0] or attributes.get("event.name")
            if isinstance(name, str) and name in _NAMES:
                told.append((name, {**attributes, **object_of(log[1])}))
    return told


def _is_told(event: object) -> bool:
    if not isinstance(event, (tuple, list)) or len(event) != _EVENT:
        return False
    return isinstance(event[0], str) and event[0] in _NAMES and isinstance(event[1], Mapping)


def directions(told: Iterable[Told]) -> tuple[Direction, Direction]:
    """Return what went into the model, and what came out."""
    asked: list[Message] = []
    answered: list[Message] = []
    for name, fields in told:
        if name == DETAILS:
            said = messages_of(decoded(fields.get("gen_ai.input.messages")), "user")
            if not said or said[0].role != "system":
                asked.extend(instructions_of(decoded(fields.get("gen_ai.system_instructions"))))
            asked.extend(said)
            answered.extend(messages_of(decoded(fields.get("gen_ai.output.messages")), "assistant"))
        elif (role := _SAID.get(name)) is not None:
            asked.extend(_message(fields, role))
        elif name == CHOICE:
            answered.extend(_message(fields, "assistant"))
            if "tool.result" in fields:  # Strands': what the tool answered, in the same event.
                answered.extend(_message({"content": fields["tool.result"]}, "tool"))
        elif (key := _WHOLE.get(name)) is not None:
            found = decoded(fields.get(key))
            asked_for = key == "gen_ai.prompt"
            (asked if asked_for else answered).extend(messages_of(found, "user" if asked_for else "assistant"))
    return speaking(asked[-MAX_MESSAGES:]), speaking(answered[-MAX_MESSAGES:])


def transcript(found: Any) -> tuple[Direction, Direction]:
    """Split a whole run: what came after the user's last word is the output, calls of tools and answers included."""
    if not isinstance(found, list):
        return (), ()
    if any(isinstance(item, dict) and "event.name" in item for item in found):
        told = [item for item in found[-MAX_MESSAGES:] if isinstance(item, dict)]
        asked, answered = directions((str(item.get("event.name")), item) for item in told)
        if answered:
            return asked, answered
        said = asked
    else:
        said = messages_of(found, "user")
    last = next((place for place in range(len(said), 0, -1) if said[place - 1].role in _ASKING), 0)
    return said[:last], said[last:]


def _message(fields: Mapping[str, Any], role: str) -> Direction:
    body = fields.get("gen_ai.event.content")
    inner = decoded(body if isinstance(body, str) else fields.get("message"))
    if isinstance(inner, (str, list)):
        inner = {"content": inner}
    if isinstance(inner, dict):
        if isinstance(nested := inner.get("message"), dict):
            inner = nested
        fields = {**fields, **inner}
    said = {**fields, "role": fields.get("role") or role, "message": None}
    said["content"] = _parts(said.get("content"))
    return messages_of([said], role)


def _parts(content: Any) -> Any:
    """An event's attributes have no lists of objects, so parts are JSON there."""
    if isinstance(content, str) and content.startswith("[{"):
        return decoded(content)
    return content
