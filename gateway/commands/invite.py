"""`gateway invite`: what is done with its options, and the exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from pydantic import SecretStr

from gateway.checks import checked_settings
from gateway.commands.terminal import Terminal, echo, echo_all
from gateway.invites.store import StoreError
from gateway.service import list_of
from gateway.settings.loading import given_values
from gateway.settings.model import Settings
from gateway.settings.store_url import SQLITE
from gateway.spreadsheet import preview
from gateway.spreadsheet.candidates import CandidatesFile, read_candidates
from gateway.spreadsheet.headings import Wanted
from gateway.spreadsheet.invite_list import Sheet
from gateway.spreadsheet.memory import (
    Memory,
    account_of,
    data_folder,
    is_own_store,
    with_own_store,
)
from gateway.spreadsheet.plan import Plan, plan_of
from gateway.spreadsheet.report import Result
from gateway.spreadsheet.results import ResultsFile, ResultsFileError, write_list
from gateway.spreadsheet.run import invite_all
from gateway.spreadsheet.table import form_here
from gateway.spreadsheet.track import TrackLook, look_at_track
from gateway.stores.opening import opened_records

if TYPE_CHECKING:
    from gateway.spreadsheet.tally import Tally

DONE, NOT_ALL, INTERRUPTED = 0, 1, 130
_KEY_SETTINGS: Final = ("upstream_api_key", "upstream_api_key_file")
_TEMPLATE: Final = (("Name", "Email"),)


@dataclass(frozen=True, slots=True)
class Job:
    """The options of the command line."""

    file: Path
    track: str
    format: str
    result: Path | None = None
    failed: Path | None = None
    wanted: Wanted = field(default_factory=Wanted)
    encoding: str | None = None
    account: str | None = None
    limit: int | None = None
    patience_seconds: float = 300.0
    yes: bool = False
    connect: bool = False

    @property
    def results(self) -> Path:
        """The results file; a results file that is given as the list is updated in place."""
        ending = f".{self.track}.{self.format}.results.csv"
        if self.result is not None:
            return self.result
        if self.file.name.endswith(ending):
            return self.file
        return self.file.with_name(self.file.stem + ending)


def write_template(path: Path) -> None:
    """Write a list to fill in, in the format of this machine's spreadsheet program."""
    if path.exists():
        raise ResultsFileError(f"{path} is there already: choose another name")
    write_list(path, form_here(), _TEMPLATE)
    echo(f"Write a name and an e-mail address into each row of {path}, and save it as CSV.")


def rehearse(job: Job) -> int:
    """Print what a run would do, and send nothing; return the exit code."""
    file = _read(job)
    settings = _settings(needs_key=job.connect)
    sheet = Sheet(file, job.track, job.format, account_of(settings.upstream_url, job.account))
    plan = asyncio.run(_plan(settings, sheet, sheet.reported(job.results), job.limit))
    look = asyncio.run(_look(settings, job.track)) if job.connect else None
    echo_all(preview.description(file))
    if look is not None:
        echo(f"  track   {look}")
    echo_all(preview.people(file))
    echo_all(preview.wrong(plan.wrong))
    echo(preview.totals(plan, format_=job.format) + " Nothing was sent.")
    return NOT_ALL if plan.wrong or (look is not None and look.problem) else DONE


async def _look(settings: Settings, track: str) -> TrackLook:
    async with contextlib.aclosing(list_of(settings)) as platform:
        return await look_at_track(platform.send, track)


def _store_file(settings: Settings) -> Path | None:
    url = settings.store_url.get_secret_value()
    if settings.store_url_file is not None or not url.startswith(SQLITE):
        return None
    return Path(url.removeprefix(SQLITE))


async def _plan(
    settings: Settings, sheet: Sheet, known: dict[str, Result], limit: int | None
) -> Plan:
    file = _store_file(settings)
    if file is not None and not file.exists():
        # There are no records yet, and a dry run creates no file.
        return await plan_of(sheet.entries(), None, known, limit=limit)
    async with opened_records(settings) as records:
        memory = Memory(records, sheet.account)
        return await plan_of(sheet.entries(), memory, known, limit=limit)


def invite(job: Job) -> int:
    """Invite, print a summary, and return the exit code.

    Raises SettingsError, StoreError, CandidatesFileError, ReportError and ResultsFileError.
    """
    _check_files(job)
    settings = _settings()
    file = _read(job)
    sheet = Sheet(file, job.track, job.format, account_of(settings.upstream_url, job.account))
    results = ResultsFile(
        job.results, track=job.track, format_=job.format, locks=data_folder() / "locks"
    )
    screen = Terminal(file, format_=job.format, yes=job.yes)
    with screen, _waiting_for_others(settings):
        tally = asyncio.run(
            invite_all(
                settings,
                sheet,
                results,
                screen,
                patience_seconds=job.patience_seconds,
                limit=job.limit,
            )
        )
    if tally.declined:
        echo("Nothing was sent.")
        return INTERRUPTED if screen.broke_off else NOT_ALL
    if tally.interrupted:
        # The run may have been interrupted because the terminal was closed.
        with contextlib.suppress(OSError):
            _tell(job, file, settings, tally)
            sys.stdout.flush()
        return INTERRUPTED
    _tell(job, file, settings, tally)
    return DONE if tally.is_complete else NOT_ALL


def _tell(job: Job, file: CandidatesFile, settings: Settings, tally: Tally) -> None:
    """Print the summary, and where the results are."""
    _write_failed(job, file, tally)
    echo_all(tally.summary().splitlines())
    echo(f"Results: {job.results}")
    if (store := _store_file(settings)) is not None:
        echo(f"Who is invited is remembered in {store}")


@contextlib.contextmanager
def _waiting_for_others(settings: Settings) -> Iterator[None]:
    """Explains that another run uses the user's own store: no other command does."""
    try:
        yield
    except StoreError as error:
        if "in use" in str(error) and is_own_store(settings):
            raise StoreError("another `gateway invite` is running: wait for its end") from None
        raise


def _check_files(job: Job) -> None:
    if job.format == "send-link" and not job.yes and not _is_at_terminal():
        raise click.UsageError("send-link e-mails people: where nobody can be asked, say --yes.")
    if job.failed is not None and job.failed.exists():
        raise ResultsFileError(f"{job.failed} is there already: choose another name for --failed")


def _is_at_terminal() -> bool:
    return sys.stdin.isatty()


def _read(job: Job) -> CandidatesFile:
    file = read_candidates(job.file, wanted=job.wanted, encoding=job.encoding)
    if job.results.resolve() == job.file.resolve() and not file.results:
        raise ResultsFileError(f"{job.file} is the list: choose another file for --result")
    return file


def _write_failed(job: Job, file: CandidatesFile, tally: Tally) -> None:
    if job.failed is None:
        return
    failed = tally.failed()
    cells = {one.line: one.cells for one in file.candidates}
    width = len(file.heading)
    rows = [(*cells[line], *[""] * (width - len(cells[line])), one.reason) for line, one in failed]
    if not rows:
        echo(f"Nothing failed, so {job.failed} was not written.")
        return
    write_list(job.failed, file.form, [(*file.heading, "reason"), *rows])
    echo(f"To correct and run again: {job.failed}")


def _settings(*, needs_key: bool = True) -> Settings:
    """The settings without callers: the gateway's own API key, and authentication is optional."""
    set_by_user = given_values()
    given: dict[str, object] = {"upstream_api_key_mode": "own"}
    if "auth" not in set_by_user:
        given["auth"] = "none"
    if not needs_key and set_by_user.keys().isdisjoint(_KEY_SETTINGS):
        given["upstream_api_key"] = SecretStr("not used")
    return with_own_store(checked_settings(**given))
