"""Conversations with the chatbot, and all the spans that they made."""

import json
import os
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from websockets.sync.client import connect

from _servers import free_port, post
from langwatch_otel.cli.model_server import ModelServer
from langwatch_otel.workbench.receiver import Receiver

from .environments import program
from .processes import running

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "src"

# A server span ends after its answer has been read, and a background task after that.
AFTER_SECONDS = 0.25

TRIP, LONG, KYOTO = "trip-to-lisbon", "invoice-" + "9" * 292, "京都-7"

# (thread, user, kind of endpoint, what the user says): three threads of two users, in turn.
CONVERSATIONS = (
    (TRIP, "ana", "async", "I have three days in Lisbon. What should I see?"),
    (LONG, "ana", "sync", "Why is invoice 1042 higher than the last one?"),
    (KYOTO, "yuki", "stream", "京都で静かなお寺を探しています。"),
    (TRIP, "ana", "tool", "Wie ist das Wetter in Lissabon? ☀️"),
    (LONG, "ana", "background", "Please send me a copy."),
    (KYOTO, "yuki", "socket", "そこまでどう行けばいいですか。"),
    (TRIP, "ana", "stream", "Which of these is best in the rain?"),
    (KYOTO, "yuki", "async", "ありがとう!"),
)

# For the text of turns where the decorated function is the root of its trace.
ROOTS = (
    ("root-lisbon", "ana", "async", "What should I see in Lisbon?"),
    ("root-京都", "yuki", "async", "京都で静かなお寺を探しています。"),
    ("root-lisbon", "ana", "sync", "Wie ist das Wetter in Lissabon?"),
)

# One of each kind of endpoint, for those that are compared.
KINDS = ("async", "sync", "stream", "background", "socket")
COMPARED = tuple((f"thread-{kind}", "ana", kind, "Hello.") for kind in KINDS)

# And for the text of turns below a server span.
TOLD = tuple((f"told-{kind}", "yuki", kind, f"京都で静かなお寺を探しています ({kind})。") for kind in KINDS)


class Turn(NamedTuple):
    """What a user said, and the spans that were made meanwhile."""

    thread_id: str
    user_id: str
    kind: str
    message: str
    spans: tuple

    @property
    def named(self):
        """The thread's id as it is on the spans: a long one is cut."""
        [found] = {span.attributes["session.id"] for span in self.spans if "session.id" in span.attributes}
        return found

    @property
    def traces(self):
        """The ids of the traces that it made."""
        return {span.trace_id for span in self.spans}


def converse(sdk, conversations=CONVERSATIONS, *, naming=None, mode="own", vendor="", **environment):
    """Return the turns of `conversations` with the chatbot under `sdk`, once all has been exported."""
    with ExitStack() as stack:
        tally, model = stack.enter_context(Receiver()), stack.enter_context(ModelServer())
        port = free_port()
        settings = {
            "SDK": sdk,
            "NAMING": naming or sdk,
            "MODE": mode,
            "DECORATED": "",
            "MODEL": model.base_url,
            "TALLY": tally.endpoint,
            "VENDOR": vendor or tally.endpoint,
            "PYTHONPATH": f"{HERE}{os.pathsep}{SOURCE}",
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }
        # Without -P, what is beside the program would be imported in place of the packages of those names.
        command = [program(sdk, "python"), "-P", HERE / "chatbot.py", str(port)]
        spoken = []
        with running(command, HERE, _listens(port), **settings):
            for conversation in conversations:
                spoken.append((time.time_ns(), conversation))
                _say(port, *conversation)
                time.sleep(AFTER_SECONDS)
        return _turns(spoken, tally.spans)


def _listens(port):
    """Return a function that says whether somebody listens on `port`, without a request that would be traced."""

    def ready():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    return ready


def _say(port, thread_id, user_id, kind, message):
    said = {"thread_id": thread_id, "user_id": user_id, "message": message}
    if kind == "socket":
        with connect(f"ws://127.0.0.1:{port}/socket", proxy=None) as connection:
            for each in (message, f"{message} {message}", ""):
                connection.send(json.dumps({**said, "message": each}))
                if each:
                    connection.recv(timeout=30)
        return
    path = "/async" if kind == "tool" else f"/{kind}"
    status, _, body = post(port, path, {**said, "tool": kind == "tool"})
    assert status == 200, body
    assert body


def _turns(spoken, spans):
    begins = [begun for begun, _ in spoken]
    ends = [*begins[1:], 1 << 63]
    return [
        Turn(*conversation, tuple(span for span in spans if begun <= span.start_ns < end))
        for (begun, conversation), end in zip(spoken, ends, strict=True)
    ]
