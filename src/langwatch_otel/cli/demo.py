"""`langwatch-otel demo`: three conversations with a chatbot, and what of them arrives over OTLP."""

import argparse
import json
import sys

SUMMARY = "Run a chatbot on this machine, talk to it, and show what arrives over OTLP."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--json", action="store_true", help="print the conversations as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if every span that arrived has its thread id."""
    # What the extra brings is loaded here, so that the other commands and --help do without it.
    from .demo_session import DemoError, hold
    from .received import as_json, group
    from .report import progress, show

    try:
        with progress() as step:
            spans = hold(step)
    except DemoError as error:
        print(f"langwatch-otel demo: {error}", file=sys.stderr)
        return 1
    threads = group(spans)
    if arguments.json:
        print(json.dumps(as_json(threads), indent=2))
    else:
        show(threads)
    return 0 if all(thread.spans_without_id == 0 for thread in threads) else 1
