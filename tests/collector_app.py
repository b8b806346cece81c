"""A program that traces for some seconds, `collector_app.py SECONDS`: says how many spans, and the longest turn."""

import json
import sys
import time

import langwatch_otel as langwatch

TURNS_A_SECOND = 50

langwatch.setup(instrumentors=[], service_name="application")


@langwatch.trace()
def turn(number):
    """A turn that names its conversation late, and has a span before and one after."""
    with langwatch.span(name=f"before {number}"):
        pass
    langwatch.set_conversation(thread_id=f"thread {number // 5}", user_id="ana")
    with langwatch.span(name=f"after {number}"):
        pass


def main():
    """Take turns for as long as it was asked."""
    turns, longest, latest = 0, 0.0, time.monotonic() + float(sys.argv[1])
    while (began := time.monotonic()) < latest:
        turn(turns)
        longest = max(longest, time.monotonic() - began)
        turns += 1
        time.sleep(1 / TURNS_A_SECOND)
    print(json.dumps({"spans": 3 * turns, "longest": longest}))


if __name__ == "__main__":
    main()
