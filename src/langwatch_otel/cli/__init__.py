"""The `langwatch-otel` command: 0 is fine, 1 is "what you asked about is not well", 2 is wrong usage."""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from . import demo, doctor

COMMANDS = (demo, doctor)

INTERRUPTED = 130  # What a shell reports for a program that Ctrl-C ended.

# What the extra brings; anything else that is missing is a mistake of ours and says so itself.
_WORKBENCH = frozenset({"fastapi", "openai", "pydantic", "rich", "starlette", "uvicorn"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    _write_any_text()
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; without this Python complains once more as it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _WORKBENCH:
            raise
        needs = f"langwatch-otel {arguments.command} needs {package}, which is not installed"
        print(f"{needs}; run: pip install 'langwatch-otel[workbench]'", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="langwatch-otel", description="Conversations in OpenTelemetry.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        command = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _write_any_text() -> None:
    # A terminal or a pipe that is not UTF-8 must not end the program at the first foreign letter.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
