"""`gateway invite`: the candidates of a spreadsheet, each once, however often it is run."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from gateway.candidates_file import Candidate
from gateway.invites.bulk import checked_list
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import (
    InputIssue,
    InviteErrorCode,
    InviteFormat,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
)
from gateway.invites.results import refusal_of
from gateway.results_file import ResultsFile, Row, carried, status_of
from gateway.service import Service
from gateway.settings import Settings

Checked: TypeAlias = InviteRequest | tuple[InputIssue, ...]
_Line: TypeAlias = tuple[Candidate, InviteRequest]

SCOPE: Final = "gateway invite"
FORMATS: Final = {"get-link": InviteFormat.GET_LINK, "send-link": InviteFormat.SEND_LINK}
_COLUMNS: Final = {"candidate_name": "name", "candidate_email": "e-mail", "track_id": "--track"}
# What is said of one line is true of all: the next ones would only be refused as well.
_CONCERNS_ALL: Final = frozenset(
    {
        InviteErrorCode.UPSTREAM_UNAUTHORIZED,
        InviteErrorCode.INVITE_QUOTA_EXHAUSTED,
        InviteErrorCode.TRACK_NOT_FOUND,
    }
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is to be done: whom to invite, where to and how."""

    candidates: Sequence[Candidate]
    track: str
    format: str

    def checked(self) -> list[tuple[Candidate, Checked]]:
        """Each candidate ready to be sent, or all that is wrong with the line."""
        drafts = [
            InviteDraft(one.name, one.email, self.track, FORMATS[self.format])
            for one in self.candidates
        ]
        numbers = [one.line for one in self.candidates]
        checked = checked_list(drafts, called="line", numbers=numbers)
        return list(zip(self.candidates, map(_keyed, checked), strict=True))


def issue_line(issue: InputIssue) -> str:
    """What is wrong, with the column's name."""
    return f"{_COLUMNS.get(issue.field, issue.field)}: {issue.message}"


def key_of(request: InviteRequest) -> str:
    """The same for the same content and track, wherever in whichever file the line stands."""
    content = [
        request.track_id,
        request.invite_format.value,
        request.candidate_name,
        request.candidate_email,
    ]
    return "csv-" + hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _keyed(checked: Checked) -> Checked:
    if not isinstance(checked, InviteRequest):
        return checked
    return replace(checked, idempotency_key=key_of(checked))


@dataclass(slots=True)
class Tally:
    """How it went; `stopped` says why it ended before the last line."""

    outcomes: Counter[InviteOutcome]
    earlier: int = 0
    stopped: str | None = None
    interrupted: bool = False

    @property
    def is_complete(self) -> bool:
        """Everybody is invited."""
        return not self.interrupted and set(self.outcomes) <= {InviteOutcome.INVITED}

    def summary(self) -> str:
        """For the person who ran it."""
        outcomes = self.outcomes
        lines = [
            ", ".join(f"{outcomes[outcome]} {status_of(outcome)}" for outcome in InviteOutcome)
            + f"; {self.earlier} of them earlier."
        ]
        if self.stopped is not None:
            lines.append(f"Stopped early: {self.stopped}")
        if self.interrupted:
            lines.append("Interrupted. Run the same command again: it sends only what is left.")
        elif outcomes[InviteOutcome.UNKNOWN]:
            lines.append("Run the same command again later: it finds out about the unknown ones.")
        return "\n".join(lines)


def run_invites(
    settings: Settings,
    sheet: Sheet,
    results: ResultsFile,
    *,
    patience_seconds: float,
    advance: Callable[[], None] = lambda: None,
) -> Tally:
    """Invite whoever is not invited yet, until SIGINT or SIGTERM.

    `patience_seconds` is how long the upstream's limit may hold one line up. `advance` is called
    after each line. Raises StoreError and ResultsFileError, before anything is sent.
    """
    return asyncio.run(_run(settings, _Run(sheet, results, patience_seconds, advance)))


async def _run(settings: Settings, run: _Run) -> Tally:
    service = Service(settings)
    # The store is open first: it keeps a second run of the command away from the results.
    await service.records.open()
    try:
        run.results.open()
        try:
            await _until_signal(run, service, settings)
        finally:
            run.results.close()
    finally:
        await service.stop()
    return run.tally


async def _until_signal(run: _Run, service: Service, settings: Settings) -> None:
    lines = run.waiting()
    work = asyncio.ensure_future(
        run.work_through(
            lines,
            service,
            workers=settings.bulk_concurrency,
            lease_seconds=settings.lease_seconds,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        # What is under way ends in tasks of its own, and is told by its record to the next run.
        await work
    run.tally.interrupted = work.cancelled()
    if not run.tally.interrupted:
        run.give_up_the_rest(lines)


def _is_in_progress(result: InviteResult) -> bool:
    return (
        not isinstance(result, InviteSuccess)
        and result.code is InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS
    )


class _Run:
    """One run through the sheet."""

    def __init__(
        self, sheet: Sheet, results: ResultsFile, patience: float, advance: Callable[[], None]
    ) -> None:
        self.results = results
        self.tally = Tally(Counter())
        self._sheet = sheet
        self._patience_seconds = patience
        self._advance = advance
        self._later: list[_Line] = []

    def waiting(self) -> Iterator[_Line]:
        """The lines to be sent; all others are told as they come by."""
        invited = self.results.invited(track=self._sheet.track, format_=self._sheet.format)
        for candidate, checked in self._sheet.checked():
            if not isinstance(checked, InviteRequest):
                reason = "; ".join(map(issue_line, checked))
                self._tell(candidate, replace(refusal_of(checked), message=reason))
            elif earlier := invited.get(checked.candidate_email.casefold()):
                self.tally.earlier += 1
                self._note(carried(earlier, line=candidate.line), InviteOutcome.INVITED)
            else:
                yield candidate, checked

    async def work_through(
        self, lines: Iterator[_Line], service: Service, *, workers: int, lease_seconds: float
    ) -> None:
        await asyncio.gather(*(self._work(lines, service) for _ in range(workers)))
        # What a run that was killed had begun is open until its lease has ended.
        seconds = lease_seconds + self._patience_seconds
        later = [self._ask_again(line, service, seconds) for line in self._later]
        await asyncio.gather(*later)

    async def _work(self, lines: Iterator[_Line], service: Service) -> None:
        loop = asyncio.get_running_loop()
        while self.tally.stopped is None and (line := next(lines, None)) is not None:
            deadline = loop.time() + self._patience_seconds
            result = await service.paced.invite(line[1], scope=SCOPE, deadline=deadline)
            if _is_in_progress(result):
                self._later.append(line)
            else:
                self._tell(line[0], result)

    async def _ask_again(self, line: _Line, service: Service, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        result = await service.paced.invite(line[1], scope=SCOPE, deadline=deadline)
        while _is_in_progress(result) and asyncio.get_running_loop().time() < deadline:
            result = await service.paced.invite(line[1], scope=SCOPE, deadline=deadline)
        self._tell(line[0], result)

    def give_up_the_rest(self, lines: Iterator[_Line]) -> None:
        """Account for the lines that were not tried."""
        for candidate, _ in lines:
            reason = f"Not tried. {self.tally.stopped}"
            row = self._row(candidate, InviteOutcome.NOT_INVITED)
            self._note(replace(row, reason=reason), InviteOutcome.NOT_INVITED)

    def _tell(self, candidate: Candidate, result: InviteResult) -> None:
        if isinstance(result, InviteSuccess):
            self.tally.earlier += result.replayed
            row = self._row(candidate, InviteOutcome.INVITED)
            row = replace(row, link=result.invite.invite_link or "")
            self._note(row, InviteOutcome.INVITED)
            return
        if result.code in _CONCERNS_ALL:
            self.tally.stopped = result.message
        row = self._row(candidate, result.outcome)
        self._note(replace(row, code=result.code.value, reason=result.message), result.outcome)

    def _row(self, candidate: Candidate, outcome: InviteOutcome) -> Row:
        return Row(
            line=str(candidate.line),
            name=candidate.name,
            email=candidate.email,
            track=self._sheet.track,
            format=self._sheet.format,
            status=status_of(outcome),
        )

    def _note(self, row: Row, outcome: InviteOutcome) -> None:
        self.results.add(row)
        self.tally.outcomes[outcome] += 1
        self._advance()
