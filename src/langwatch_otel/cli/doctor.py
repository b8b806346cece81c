"""`langwatch-otel doctor`: why nothing shows up, in a line each."""

import argparse
import json
import signal
import sys
from collections.abc import Callable

SUMMARY = (
    "Say what is on, what is wrong, and what to do: in this environment, or in the application that a command runs."
)

SECONDS = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--seconds", type=seconds, default=SECONDS, help="wait so long for the command (20)")
    parser.add_argument(
        "application",
        nargs="*",
        metavar="-- COMMAND",
        help="the command that runs the application; it is stopped again",
    )


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if nothing is wrong."""
    from langwatch_otel.doctor.command import look_into
    from langwatch_otel.doctor.diagnosis import diagnose

    # However we are told to end, what we started ends first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = arguments.application
    try:
        facts = look_into(command, arguments.seconds, _progress())
    except OSError as error:
        print(f"langwatch-otel doctor: {command[0] if command else 'Python'}: {error.strerror}", file=sys.stderr)
        return 2
    findings = diagnose(facts)
    well = all(each.level != "wrong" for each in findings)
    if arguments.json:
        print(json.dumps({"well": well, "findings": [each.as_json() for each in findings]}, indent=2))
    else:
        for each in findings:
            print(each)
    return 0 if well else 1


def seconds(text: str) -> float:
    number = float(text)
    if not 0 < number <= 3600:
        raise ValueError
    return number


def _progress() -> Callable[[str], None]:
    """Return what says on a terminal what is going on."""
    said: list[str] = []

    def tell(what: str) -> None:
        if sys.stderr.isatty() and said[-1:] != [what]:
            said.append(what)
            print(f"doctor: {what}", file=sys.stderr)

    return tell
