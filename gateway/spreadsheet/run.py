"""`gateway invite`: invites each person of a list once, however often it is run."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.invites.deadline import Deadline, within
from gateway.invites.failures import in_progress
from gateway.invites.inputs import lowercased
from gateway.invites.models import (
    InviteErrorCode,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
    Origin,
)
from gateway.invites.read_back import Listing
from gateway.invites.store import StoreError
from gateway.service import Service
from gateway.spreadsheet.invite_list import Entry, Sheet
from gateway.spreadsheet.memory import Memory
from gateway.spreadsheet.plan import Plan, plan_of
from gateway.spreadsheet.report import Result
from gateway.spreadsheet.results import ResultsFile, ResultsFileError
from gateway.spreadsheet.rows import Rows
from gateway.spreadsheet.screen import Screen
from gateway.spreadsheet.standing import (
    ASK_LATER,
    INVALID,
    NOT_YET,
    ON_ITS_WAY,
    Standing,
    ask_after,
    concern_of_all,
    held_back,
    not_invited,
)
from gateway.spreadsheet.tally import Tally
from gateway.spreadsheet.track import look_at_track
from gateway.stop_signals import stop_signals

if TYPE_CHECKING:
    from gateway.settings.model import Settings

_TICK_SECONDS: Final = 0.5


async def invite_all(
    settings: Settings,
    sheet: Sheet,
    results: ResultsFile,
    screen: Screen,
    *,
    patience_seconds: float,
    limit: int | None = None,
) -> Tally:
    """Invite everybody who is not invited yet, until a signal to stop.

    `patience_seconds` is how long the platform's rate limit may delay one row. Raises StoreError,
    ReportError and ResultsFileError.
    """
    run = Run(settings, sheet, results, screen, patience_seconds=patience_seconds, limit=limit)
    results.lock()
    try:
        await run.service.records.open()
        try:
            return await run.go()
        finally:
            await run.service.stop()
    finally:
        results.release()


class Run:
    """One run over the list."""

    def __init__(
        self,
        settings: Settings,
        sheet: Sheet,
        results: ResultsFile,
        screen: Screen,
        *,
        patience_seconds: float,
        limit: int | None,
    ) -> None:
        self.service = Service(settings, for_one_list=True, announce=self._announce)
        self._settings = settings
        self._sheet = sheet
        self._results = results
        self._screen = screen
        self._patience_seconds = patience_seconds
        self._limit = limit
        self._memory = Memory(self.service.records, sheet.account)
        self._origin = Origin(scope=sheet.account)
        self._rows = Rows(sheet, results)
        self._under_way: set[int] = set()
        self._unannounced: set[int] = set()
        self._waiting_for_lease: list[Entry] = []
        self._stopped: str | None = None
        self._interrupted = False

    async def go(self) -> Tally:
        known = self._sheet.reported(self._results.path)
        plan = await self._plan(known)
        if plan.doubtful:
            # The platform's list is read once for all of them.
            await self.service.reconciler.reconcile()
            plan = await self._plan(known)
        track = await look_at_track(self.service.ask, self._sheet.track)
        if not self._screen.confirm(plan, track):
            return self._tally(declined=True)
        await self._put_what_is_known(plan, known)
        self._rows.begin()
        try:
            await self._until_signal(plan)
            with contextlib.suppress(StoreError):
                await self._look_up_doubtful()
        finally:
            self._write_last()
        return self._tally()

    async def _plan(self, known: Mapping[str, Result]) -> Plan:
        return await plan_of(self._rows.entries, self._memory, known, limit=self._limit)

    async def _put_what_is_known(self, plan: Plan, known: Mapping[str, Result]) -> None:
        for entry in plan.wrong:
            self._rows.put(entry, not_invited(entry.wrong, code=INVALID))
        for entry in plan.later:
            self._rows.put(entry, not_invited(f"Left for later by --limit {self._limit}."))
        for entry in (*plan.open, *plan.to_send):
            self._rows.put(entry, not_invited(NOT_YET))
        for entry in plan.open:
            self._rows.put(entry, Standing(InviteOutcome.UNKNOWN, reason=ON_ITS_WAY))
        for entry in plan.doubtful:
            self._rows.put_result(entry, await self._recall(entry) or in_progress())
        for entry in plan.invited:
            invited = self._rows.standing_of(await self._recall(entry) or in_progress())
            link = invited.link or _link_in(known.get(entry.address))
            self._rows.put(entry, replace(invited, link=link, is_earlier=True))
        listed = await self._listed(plan)
        for entry, result in plan.held:
            self._rows.put(entry, held_back(entry, result, listed))
            if result.says_invited:
                await self._memory.adopt(_request_of(entry))

    async def _listed(self, plan: Plan) -> set[str] | None:
        """The addresses in the platform's list of the track; None if not needed or not readable."""
        doubtful = any(not result.says_invited for _, result in plan.held)
        if not doubtful or self.service.read_back is None:
            return None
        look = await self.service.read_back.list_track(int(self._sheet.track))
        if not isinstance(look, Listing):
            return None
        return {lowercased(applicant.email) for applicant in look.applicants}

    async def _look_up_doubtful(self) -> None:
        """Read the platform's list for the rows in doubt, and say when it may settle the rest."""
        doubtful = [entry for entry in self._rows.entries if self._is_doubtful(entry)]
        if doubtful and not self._interrupted:
            await self.service.reconciler.reconcile()
            for entry in doubtful:
                result = await self._recall(entry)
                if result is None:
                    self._rows.put(entry, not_invited(NOT_YET))
                else:
                    self._rows.put_result(entry, result)
        moments = {}
        for entry in filter(self._is_doubtful, doubtful):
            moments[entry] = await self._memory.settles_at(
                _request_of(entry), quiet_seconds=self._settings.read_back_quiet_seconds
            )
        latest = max(filter(None, moments.values()), default=0)
        for entry in (one for one, moment in moments.items() if moment):
            reason = ask_after(latest, now=time.time())
            self._rows.put(entry, replace(self._rows.standings[entry.place], reason=reason))

    def _is_doubtful(self, entry: Entry) -> bool:
        standing = self._rows.standings.get(entry.place)
        return standing is not None and standing.reason == ASK_LATER

    def _write_last(self) -> None:
        # The outcomes are known, so the run must report them even if the file cannot be written.
        try:
            self._results.write()
        except ResultsFileError as error:
            self._stopped = str(error)

    async def _until_signal(self, plan: Plan) -> None:
        entries = iter([*plan.open, *plan.to_send])
        work = asyncio.ensure_future(self._work_through(entries))

        def stop() -> None:
            self._interrupted = True
            self._screen.stopping()
            work.cancel()

        ticking = asyncio.create_task(self._tick())
        try:
            with stop_signals(stop), contextlib.suppress(asyncio.CancelledError):
                await work
            # Ctrl-C just before the signal handlers were installed cancels `work` too.
            self._interrupted = self._interrupted or work.cancelled()
            if self._interrupted:
                await self._account_for_begun()
            for entry in entries:
                self._rows.put(entry, self._not_reached(entry, plan))
        finally:
            ticking.cancel()

    def _not_reached(self, entry: Entry, plan: Plan) -> Standing:
        if entry in plan.open:
            return Standing(InviteOutcome.UNKNOWN, reason=ASK_LATER)
        return not_invited(f"Not sent. {self._stopped or 'The run was stopped.'}")

    async def _work_through(self, entries: Iterator[Entry]) -> None:
        workers = (self._work(entries) for _ in range(self._settings.bulk_concurrency))
        await asyncio.gather(*workers)
        # The attempts of a killed run stay in progress until their lease ends.
        await asyncio.gather(*(self._ask_again(entry) for entry in self._waiting_for_lease))

    async def _work(self, entries: Iterator[Entry]) -> None:
        while self._stopped is None and (entry := next(entries, None)) is not None:
            self._under_way.add(entry.place)
            result = await self._invite(entry, within(self._patience_seconds))
            if _is_in_progress(result):
                self._waiting_for_lease.append(entry)
            else:
                self._note(entry, result)

    async def _ask_again(self, entry: Entry) -> None:
        deadline = within(self._settings.lease_seconds + self._patience_seconds)
        result = await self._invite(entry, deadline)
        while _is_in_progress(result) and deadline.seconds_left > 0:
            result = await self._invite(entry, deadline)
        self._waiting_for_lease.remove(entry)
        self._note(entry, result)

    async def _invite(self, entry: Entry, deadline: Deadline) -> InviteResult:
        return await self.service.paced.invite(_request_of(entry), self._origin, deadline=deadline)

    async def _recall(self, entry: Entry) -> InviteResult | None:
        return await self.service.inviter.recall(_request_of(entry), self._origin)

    async def _announce(self, request: InviteRequest) -> bool:
        """Write `unknown` to the results file before the first byte is sent."""
        entry = self._rows.of_address[lowercased(request.candidate_email)]
        self._rows.put(entry, Standing(InviteOutcome.UNKNOWN, reason=ON_ITS_WAY))
        if self._stopped is None and not self._interrupted and await self._flush():
            return True
        self._unannounced.add(entry.place)
        return False

    async def _flush(self) -> bool:
        try:
            await self._results.flush()
        except ResultsFileError as error:
            self._stopped = str(error)
            return False
        return True

    async def _account_for_begun(self) -> None:
        """Find the outcomes of the rows that were in progress when the run was interrupted."""
        await self.service.paced.drain()
        for place in sorted(self._under_way):
            entry = self._rows.entries[place]
            result = await self._recall(entry)
            if result is None:
                self._rows.put(entry, not_invited("Not sent. The run was stopped."))
            elif isinstance(result, InviteSuccess):
                self._rows.put_result(entry, replace(result, replayed=False))
            else:
                self._rows.put_result(entry, result)

    def _note(self, entry: Entry, result: InviteResult) -> None:
        self._under_way.discard(entry.place)
        if not isinstance(result, InviteSuccess):
            self._stopped = self._stopped or concern_of_all(result)
        if entry.place in self._unannounced:
            self._rows.put(entry, not_invited(f"Not sent. {self._stopped}"))
        else:
            self._rows.put_result(entry, result)

    async def _tick(self) -> None:
        while True:
            self._screen.progress(self._rows.done, self._waits_for())
            await asyncio.sleep(_TICK_SECONDS)

    def _waits_for(self) -> str:
        if pause := self.service.paced.pause_seconds:
            return f"the platform limits requests, {math.ceil(pause)} s"
        if self._waiting_for_lease:
            return (
                f"{len(self._waiting_for_lease)} that another run was sending, at most"
                f" {self._settings.lease_seconds:.0f} s"
            )
        return ""

    def _tally(self, *, declined: bool = False) -> Tally:
        return Tally(
            self._rows.by_line(),
            wants_links=self._rows.wants_links,
            stopped=self._stopped,
            interrupted=self._interrupted,
            declined=declined,
        )


def _request_of(entry: Entry) -> InviteRequest:
    if entry.request is None:
        raise ValueError("a row that cannot be sent")
    return entry.request


def _link_in(result: Result | None) -> str:
    return result.link if result is not None and result.says_invited else ""


def _is_in_progress(result: InviteResult) -> bool:
    return (
        not isinstance(result, InviteSuccess)
        and result.code is InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS
    )
