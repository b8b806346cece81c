"""A program whose child processes have spans; `KIND` says how they are made."""

import multiprocessing
import os
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

from opentelemetry import trace

import langwatch_otel as langwatch

langwatch.setup(instrumentors=[])
tracer = trace.get_tracer("application")
again = langwatch.conversation(thread_id="shared", user_id="user of shared", adopt=False)


def work(number):
    """What a child does: a span where it stands, and one in a conversation of its own."""
    tracer.start_span("inherited").end()
    with langwatch.trace(name="own", thread_id=f"child {number}", user_id=f"user of child {number}"):
        pass
    return number


def process(numbers):
    """One process for each."""
    children = [multiprocessing.Process(target=work, args=(number,)) for number in numbers]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return [child.exitcode for child in children]


def pool(numbers):
    """Two processes for all."""
    with ProcessPoolExecutor(2) as executor:
        return list(executor.map(work, numbers))


def bare(numbers):
    """Forked while other threads start spans, name conversations and export them."""
    done = threading.Event()

    def busy():
        while not done.is_set():
            with again, langwatch.trace(thread_id="busy", adopt=False):
                langwatch.set_conversation(metadata={"a": 1})
            trace.get_tracer_provider().force_flush()

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    statuses = [_child(number) for number in numbers]
    done.set()
    for thread in threads:
        thread.join()
    return statuses


def _child(number):
    pid = os.fork()
    if pid == 0:
        try:
            with again:
                work(number)
            trace.get_tracer_provider().force_flush()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    kind, count, method = sys.argv[1:]
    multiprocessing.set_start_method(method)
    with langwatch.trace(name="before"):
        pass
    trace.get_tracer_provider().force_flush()  # There is an open connection when a child is forked.
    with langwatch.trace(name="parent", thread_id="parent", user_id="user of parent"):
        print({"process": process, "pool": pool, "bare": bare}[kind](range(int(count))))
