"""What a person sees: conversations on stdout, progress on a terminal's stderr."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from .demo_session import TURNS
from .received import Thread


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Lend a function that moves a progress bar one step on and says what is going on."""
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("starting", total=TURNS + 1)

        def step(doing: str) -> None:
            bar.update(task, description=doing, advance=1)

        yield step


def show(threads: Sequence[Thread]) -> None:
    """Print each thread with its turns, then how many spans bear a thread id."""
    console = Console(highlight=False, markup=False, emoji=False)
    for thread in threads:
        console.print(_title(thread))
        console.print(_turns(thread))
        console.print()
    with_id = sum(thread.spans_with_id for thread in threads)
    total = with_id + sum(thread.spans_without_id for thread in threads)
    console.print(Text(f"spans with thread id: {with_id} of {total}", "bold green" if with_id == total else "bold red"))


def _title(thread: Thread) -> Text:
    name = _plain(thread.thread_id) if thread.thread_id is not None else "(no thread id)"
    return Text.assemble(
        (name, "bold"),
        f" · user {_plain(thread.user_id or '?')} · {len(thread.turns)} turns",
        f" in {thread.milliseconds / 1000:.1f} s · spans: {thread.spans_with_id} with the id, ",
        (f"{thread.spans_without_id} without", "bold red" if thread.spans_without_id else ""),
    )


def _turns(thread: Thread) -> Table:
    table = Table.grid(padding=(0, 2), pad_edge=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")  # Japanese has no spaces to break a line at.
    table.add_column(no_wrap=True, justify="right")
    for turn in thread.turns:
        table.add_row(Text(_plain(thread.user_id or "user"), "cyan"), Text(_plain(turn.said)), "")
        table.add_row(Text("assistant", "magenta"), Text(_plain(turn.replied)), f"{turn.milliseconds:.0f} ms")
    return table


def _plain(text: str) -> str:
    # Spans hold what strangers wrote; a terminal would act on their control characters.
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
