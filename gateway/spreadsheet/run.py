"""`gateway invite`: the candidates of a spreadsheet, each once, however often it is run."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from gateway.invites.deadline import within
from gateway.invites.inputs import lowercased, normalised_email
from gateway.invites.models import (
    InviteErrorCode,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
    Origin,
)
from gateway.invites.results import refusal_of
from gateway.service import Service
from gateway.settings.model import Settings
from gateway.spreadsheet.candidates import Candidate
from gateway.spreadsheet.invite_list import Sheet, issue_line, with_key
from gateway.spreadsheet.results import ResultsFile, Row, carried, status_of

_Line: TypeAlias = tuple[Candidate, InviteRequest]

ORIGIN: Final = Origin(scope="gateway invite")
# What is said of one line is true of all: the next ones would only be refused as well.
_CONCERNS_ALL: Final = frozenset(
    {
        InviteErrorCode.UPSTREAM_UNAUTHORIZED,
        InviteErrorCode.INVITE_QUOTA_EXHAUSTED,
        InviteErrorCode.TRACK_NOT_FOUND,
    }
)
_ASK_LATER: Final = (
    "It is not known whether the candidate is invited. Run the same command again later: it finds"
    " out, and invites nobody twice."
)


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
    after each line. Raises StoreError and ResultsFileError; the latter, where the disk is full,
    also in the middle.
    """
    return asyncio.run(_run(settings, _Run(sheet, results, patience_seconds, advance)))


async def _run(settings: Settings, run: _Run) -> Tally:
    service = Service(settings, for_one_list=True)
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
        await work
    run.tally.interrupted = work.cancelled()
    if run.tally.interrupted:
        await run.tell_begun(service)
    else:
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
        self._earlier = results.latest(track=sheet.track, format_=sheet.format)
        self._begun: dict[int, _Line] = {}
        self._later: list[_Line] = []

    def waiting(self) -> Iterator[_Line]:
        """The lines to be sent; all others are told as they come by."""
        for candidate, checked in self._sheet.checked():
            if not isinstance(checked, InviteRequest):
                reason = "; ".join(map(issue_line, checked))
                self._tell(candidate, replace(refusal_of(checked), message=reason))
                continue
            earlier = self._earlier.get(lowercased(checked.candidate_email))
            if earlier is not None and earlier.is_invited:
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
        while self.tally.stopped is None and (line := next(lines, None)) is not None:
            line = await self._as_begun(*line, service)
            self._tell_begun(line)
            deadline = within(self._patience_seconds)
            result = await service.paced.invite(line[1], ORIGIN, deadline=deadline)
            if _is_in_progress(result):
                self._later.append(line)
            else:
                self._tell(line[0], result)

    def _tell_begun(self, line: _Line) -> None:
        """Should this process be killed meanwhile, the next run knows as what the line was sent."""
        self._begun[line[0].line] = line
        row = self._row(line[0], InviteOutcome.UNKNOWN)
        self.results.add(replace(row, reason=_ASK_LATER))

    async def _as_begun(
        self, candidate: Candidate, request: InviteRequest, service: Service
    ) -> _Line:
        """The line as it was sent before it was corrected, while nobody knows how that ended.

        Corrected, it would be an invite of its own.
        """
        earlier = self._earlier.get(lowercased(request.candidate_email))
        email = normalised_email(earlier.email) if earlier is not None else None
        if earlier is None or email is None or not earlier.is_open:
            return candidate, request
        begun = replace(request, candidate_name=earlier.name, candidate_email=email)
        begun = with_key(begun)
        if await service.inviter.recall(begun, ORIGIN) is None:
            return candidate, request
        return replace(candidate, name=earlier.name, email=earlier.email), begun

    async def _ask_again(self, line: _Line, service: Service, seconds: float) -> None:
        deadline = within(seconds)
        result = await service.paced.invite(line[1], ORIGIN, deadline=deadline)
        while _is_in_progress(result) and deadline.seconds_left > 0:
            result = await service.paced.invite(line[1], ORIGIN, deadline=deadline)
        self._tell(line[0], result)

    async def tell_begun(self, service: Service) -> None:
        """Account for the lines that an interrupt met under way."""
        await service.paced.drain()
        for candidate, request in list(self._begun.values()):
            result = await service.inviter.recall(request, ORIGIN)
            if result is None:
                self._tell_not_tried(candidate, "Interrupted before it was sent.")
            elif isinstance(result, InviteSuccess):
                self._tell(candidate, replace(result, replayed=False))
            else:
                self._tell(candidate, result)

    def give_up_the_rest(self, lines: Iterator[_Line]) -> None:
        """Account for the lines that were not tried."""
        for candidate, _ in lines:
            self._tell_not_tried(candidate, f"Not tried. {self.tally.stopped}")

    def _tell_not_tried(self, candidate: Candidate, reason: str) -> None:
        row = self._row(candidate, InviteOutcome.NOT_INVITED)
        self._note(replace(row, reason=reason), InviteOutcome.NOT_INVITED)

    def _tell(self, candidate: Candidate, result: InviteResult) -> None:
        self._begun.pop(candidate.line, None)
        if isinstance(result, InviteSuccess):
            self.tally.earlier += result.replayed
            row = self._row(candidate, InviteOutcome.INVITED)
            row = replace(row, link=result.invite.invite_link or "")
            self._note(row, InviteOutcome.INVITED)
            return
        if result.code in _CONCERNS_ALL:
            self.tally.stopped = result.message
        row = self._row(candidate, result.outcome)
        reason = _ASK_LATER if result.outcome is InviteOutcome.UNKNOWN else result.message
        self._note(replace(row, code=result.code.value, reason=reason), result.outcome)

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
