"""The terminal of `gateway invite`: what is shown there, and what is asked."""

from __future__ import annotations

import contextlib
import shutil
import signal
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from gateway.spreadsheet import preview

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from gateway.spreadsheet.candidates import CandidatesFile
    from gateway.spreadsheet.plan import Plan
    from gateway.spreadsheet.track import TrackLook


class Terminal:
    """Shows the plan and the progress on the terminal, and asks for confirmation."""

    def __init__(self, file: CandidatesFile, *, format_: str, yes: bool) -> None:
        """With `yes` nobody is asked."""
        self._file = file
        self._format = format_
        self._yes = yes
        self.broke_off = False
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            with contextlib.suppress(OSError):
                self._progress.stop()

    def confirm(self, plan: Plan, track: TrackLook) -> bool:
        echo_all(preview.description(self._file))
        echo(f"  track   {track}")
        others = ", ".join(preview.others(plan))
        if others:
            echo(f"Of them: {others}.")
        if self._yes or not plan.to_send or self._format != "send-link":
            return True
        people = preview.counted(len(plan.to_send), "person", "people")
        agreed = _asked(f"E-mail {people} for {track.name}?")
        self.broke_off = agreed is None
        return bool(agreed)

    def progress(self, done: int, waits_for: str) -> None:
        total = len(self._file.candidates)
        if self._progress is None:
            self._progress = _bar()
            self._task = self._progress.add_task("Inviting", total=total)
            self._progress.start()
        if self._task is not None:
            text = f"Waiting: {waits_for}" if waits_for else "Inviting"
            self._progress.update(self._task, completed=done, description=text)

    def stopping(self) -> None:
        # The run may be stopping because the terminal was closed.
        with contextlib.suppress(OSError):
            click.echo("Stopping: finishing the invites in progress, some seconds.", err=True)


def _bar() -> Progress:
    from rich.console import Console  # noqa: PLC0415 - costs time, and not every run shows it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _asked(question: str) -> bool | None:
    """Yes or no; None after Ctrl-C."""
    # The event loop's handler would only record Ctrl-C, and the prompt would stay.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return click.confirm(question)
    except (click.Abort, KeyboardInterrupt):
        click.echo()
        return None
    finally:
        signal.signal(signal.SIGINT, before)


def echo_all(lines: Iterable[str]) -> None:
    for line in lines:
        echo(line)


def echo(line: str) -> None:
    """Print the line, wrapped to the terminal's width."""
    click.echo("\n".join(_wrapped(line)))


def _wrapped(line: str) -> Iterator[str]:
    width = shutil.get_terminal_size((100, 24)).columns
    indent = " " * (len(line) - len(line.lstrip()))
    yield from textwrap.wrap(
        line,
        width,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]
