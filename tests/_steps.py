"""The steps of schedules, and how often there are which."""

BLOCKS = ("conversation", "trace", "span", "application", "below", "framework", "request")
FLOWS = ("task", "thread", "bare thread", "generator", "served")
OPENING = (*BLOCKS, *FLOWS)
NAMING = ("set", "update", "handle")
SENDING = ("batch", "flush")
STEPS = (*OPENING, *NAMING, "begin", "end", "leaf", "converse", "step", "close", "pause", *SENDING, "up", "up")
IN_REQUEST = (
    *(3 * ("leaf", "leaf", "converse", "pause", "pause", "task", "batch", "up", "up", "up", "up")),
    *("conversation", "trace", "application", "framework", "below", "request", "served", "thread", "bare thread"),
    *("thread", "thread", "trace", "trace", "set", "set", "set", "handle", "begin", "end", "flush"),
)


def parsed(steps):
    """A tree: what opens takes what follows as its body, up to its `up`."""
    body, stack = [], []
    for name, one, two in steps:
        if name == "up":
            body = stack.pop() if stack else body
            continue
        inner = []
        body.append((name, one, two, inner))
        if name in OPENING:
            stack.append(body)
            body = inner
    return stack[0] if stack else body
