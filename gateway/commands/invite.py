"""The user interface of `gateway invite`: output, questions and exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from pydantic import SecretStr

from gateway.checks import checked_settings
from gateway.invites.records import Records
from gateway.invites.store import StoreError
from gateway.service import list_of
from gateway.settings.loading import SettingsError
from gateway.settings.model import PREFIX, Settings
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
from gateway.spreadsheet.report import Result, check_no_other, held, read_report
from gateway.spreadsheet.results import ResultsFile, ResultsFileError, write_list
from gateway.spreadsheet.run import run_invites
from gateway.spreadsheet.screen import Options
from gateway.spreadsheet.table import form_here
from gateway.spreadsheet.track import TrackLook, look_at_track
from gateway.stores.opening import store_of, store_secret_of

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from gateway.spreadsheet.tally import Tally

DONE, NOT_ALL, INTERRUPTED = 0, 1, 130
_NO_CALLERS: Final = f"{PREFIX}AUTH: is required"
_NO_KEY: Final = f"{PREFIX}UPSTREAM_API_KEY"
_TEMPLATE: Final = (("Name", "Email"),)


@dataclass(frozen=True, slots=True)
class Job:
    """The options of the command line."""

    file: Path
    track: str
    format: str
    result: Path | None = None
    failed: Path | None = None
    wanted: Wanted = Wanted()  # noqa: RUF009 - frozen
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
    report = (
        read_report(job.results, job.wanted, encoding=file.form.encoding)
        if job.results != job.file
        else ()
    )
    about = {"track": job.track, "format_": job.format}
    check_no_other(report, path=job.results, **about)
    known = held(report, path=job.results, **about)
    known |= held(file.results, path=file.path, **about)
    plan = asyncio.run(_plan(_store_there(settings), sheet, known, job))
    look = asyncio.run(_look(settings, job.track)) if job.connect else None
    echo_all(preview.description(file))
    if look is not None:
        echo(f"  track   {look}")
    echo_all(preview.people(file))
    echo_all(preview.wrong(plan.wrong))
    echo(preview.totals(plan, format_=job.format) + " Nothing was sent.")
    return NOT_ALL if plan.wrong or (look is not None and look.problem) else DONE


async def _look(settings: Settings, track: str) -> TrackLook:
    platform = list_of(settings)
    try:
        return await look_at_track(platform.send, track)
    finally:
        await platform.aclose()


def _store_file(settings: Settings) -> Path | None:
    url = settings.store_url.get_secret_value()
    if settings.store_url_file is not None or not url.startswith(SQLITE):
        return None
    return Path(url.removeprefix(SQLITE))


def _store_there(settings: Settings) -> Records | None:
    """The records; None if there are none yet: a dry run creates no file."""
    file = _store_file(settings)
    if file is not None and not file.exists():
        return None
    return Records(store_of(settings), secret=store_secret_of(settings))


async def _plan(records: Records | None, sheet: Sheet, known: dict[str, Result], job: Job) -> Plan:
    if records is None:
        return await plan_of(sheet.entries(), None, known, limit=job.limit)
    await records.open()
    try:
        memory = Memory(records, sheet.account)
        return await plan_of(sheet.entries(), memory, known, limit=job.limit)
    finally:
        await records.close()


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
    options = Options(job.patience_seconds, job.limit, job.wanted)
    screen = Terminal(job, file)
    with screen, _waiting_for_others(settings):
        tally = run_invites(settings, sheet, results, screen, options)
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


class Terminal:
    """Shows the plan and the progress on the terminal, and asks for confirmation."""

    def __init__(self, job: Job, file: CandidatesFile) -> None:
        self._job = job
        self._file = file
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
        said = ", ".join(preview.others(plan))
        if said:
            echo(f"Of them: {said}.")
        if not (plan.to_send and self._job.format == "send-link"):
            return True
        people = preview.counted(len(plan.to_send), "person", "people")
        question = f"E-mail {people} for {track.name}?"
        if self._job.yes:
            return True
        agreed = _asked(question)
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
            click.echo(
                "Stopping: what is on its way is ended first, which takes seconds.", err=True
            )


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
    given: dict[str, object] = {"upstream_api_key_mode": "own"}
    for _ in range(3):
        try:
            return with_own_store(checked_settings(**given))
        except SettingsError as error:
            faults = error.faults
            if "auth" not in given and any(fault.startswith(_NO_CALLERS) for fault in faults):
                given["auth"] = "none"
            elif not needs_key and "upstream_api_key" not in given and _only_key(faults):
                given["upstream_api_key"] = SecretStr("not used")
            else:
                raise
    raise AssertionError("unreachable")


def _only_key(faults: Iterable[str]) -> bool:
    return all(fault.startswith(_NO_KEY) for fault in faults)


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
