"""What the stand-in model says: the same words to the same conversation, every time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """Say `reply` to a message that matches `asked`, in a conversation that has mentioned `about`."""

    about: str
    asked: str
    reply: str


RULES = (
    Rule("lisbon", r"see|three days", "Alfama and the castle first, then Belém, then Sintra by train."),
    Rule("lisbon", r"rain", "Belém: the monastery and the tile museum near it are indoors."),
    Rule("invoice", r"higher|why", "It has 31 days instead of 28, and two seats that were added on the 12th."),
    Rule("invoice", r"copy|send", "I have sent it to the address on your account."),
    Rule("京都", r"静か", "朝の南禅寺はいかがでしょう。八時前ならほとんど人がいません。"),
    Rule("京都", r"どう|行け", "地下鉄東西線の蹴上駅から歩いて十分です。"),
    Rule("", r"ありがとう", "どういたしまして。よい旅を! 🍵"),
    Rule("", r"thank", "You are welcome."),
    Rule("", r"^(hi|hello)\b", "Hello. What can I do for you?"),
)

_NAME = re.compile(r"\bmy name is (\w+)", re.IGNORECASE)


def reply_to(said: Sequence[str]) -> str:
    """Return the answer to the last of the messages that a user has `said` in a conversation."""
    last, earlier = (said[-1] if said else ""), said[:-1]
    if re.search(r"what did i (say|ask)", last, re.IGNORECASE):
        return f'First you said: "{earlier[0]}"' if earlier else "Nothing yet; this is your first message."
    if re.search(r"what is my name", last, re.IGNORECASE):
        names = [name for message in earlier for name in _NAME.findall(message)]
        return f"Your name is {names[-1]}." if names else "You have not told me your name."
    for rule in RULES:
        if _in(rule.asked, last) and any(_in(rule.about, message) for message in said):
            return rule.reply
    before = f' Before it you said "{earlier[-1]}".' if earlier else ""
    return f'You said "{last}".{before} That makes {len(said)} so far.'


def _in(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None
