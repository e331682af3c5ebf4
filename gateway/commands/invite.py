"""`gateway invite` as its user sees it: what is printed, and the exit codes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress

from gateway.checks import checked_settings
from gateway.invites.models import InviteRequest
from gateway.settings.loading import SettingsError
from gateway.settings.model import PREFIX, Settings
from gateway.spreadsheet.candidates import read_candidates
from gateway.spreadsheet.invite_list import Sheet, issue_line
from gateway.spreadsheet.results import ResultsFile
from gateway.spreadsheet.run import run_invites

_DONE, _NOT_ALL, _INTERRUPTED = 0, 1, 130
_NO_CALLERS: Final = f"{PREFIX}AUTH: is required"


def sheet_of(file: Path, *, track: str, invite_format: str) -> Sheet:
    """What the file asks for; a guess at its letters is told. Raises CandidatesFileError."""
    candidates = read_candidates(file)
    if candidates.is_guessed:
        click.echo(f"{file} is not UTF-8; read as Windows-1252. Look at the names.", err=True)
    return Sheet(candidates.candidates, track, invite_format)


def rehearse(sheet: Sheet) -> int:
    """Tell what is wrong with which line; the exit code."""
    checked = sheet.checked()
    wrong = [(one, issues) for one, issues in checked if not isinstance(issues, InviteRequest)]
    for candidate, issues in wrong:
        for issue in issues:
            click.echo(f"line {candidate.line}: {issue_line(issue)}")
    click.echo(f"Lines that can be sent: {len(checked) - len(wrong)}; that cannot: {len(wrong)}.")
    return _NOT_ALL if wrong else _DONE


def invite(sheet: Sheet, result: Path, *, patience_seconds: float) -> int:
    """Invite, tell how it went, and return the exit code.

    Raises SettingsError, StoreError and ResultsFileError.
    """
    try:
        with _progress(len(sheet.candidates)) as advance:
            tally = run_invites(
                _settings(),
                sheet,
                ResultsFile(result),
                patience_seconds=patience_seconds,
                advance=advance,
            )
        click.echo(tally.summary())
        click.echo(f"Results: {result}")
    except KeyboardInterrupt:
        # Before the first line, or when all is done: in between, the run itself sees to it.
        click.echo("Interrupted. Run the same command again: it sends only what is left.")
        return _INTERRUPTED
    if tally.interrupted:
        return _INTERRUPTED
    return _DONE if tally.is_complete else _NOT_ALL


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("Inviting", total=total)
        yield lambda: progress.advance(task)


def _settings() -> Settings:
    """The settings, where nobody calls: nobody brings a key, and who may call is not asked for."""
    try:
        return checked_settings(upstream_api_key_mode="own")
    except SettingsError as error:
        if not any(fault.startswith(_NO_CALLERS) for fault in error.faults):
            raise
    return checked_settings(upstream_api_key_mode="own", auth="none")
