"""Settles records in doubt by the upstream's list of applicants."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

from gateway.invites.clocks import Clocks, Moment, moment
from gateway.invites.doubt import Doubt
from gateway.invites.evidence import NotInvited
from gateway.invites.record import Record, State, settled
from gateway.invites.store import StoreUnavailableError
from gateway.invites.stored_result import packed_applicant
from gateway.upstream.wire import Applicant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.invites.read_back import Look, ReadBack
    from gateway.invites.records import Records

log = logging.getLogger("gateway.invites")

LEASE: Final = "reconciler"
PURGE_AT_A_TIME: Final = 1000
# Drift between the clocks that goes unnoticed; records are kept for this much longer.
_UNEVEN_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """A record that is still in doubt, and why."""

    record: Record
    why: Doubt


@dataclass(slots=True)
class Report:
    """The counts of one pass; `in_flight` are records whose invite is being sent."""

    invited: int = 0
    released: int = 0
    in_flight: int = 0
    open: list[OpenRecord] = field(default_factory=list)

    @property
    def final(self) -> bool:
        """No record of unknown outcome is left."""
        return not self.open and not self.in_flight

    @property
    def worth_waiting(self) -> bool:
        """Another pass, a quiet period later, may settle more."""
        return bool(self.in_flight) or any(left.why is Doubt.NOT_LISTED for left in self.open)


class Reconciler:
    """Settles records in doubt; several reconcilers may safely run at once."""

    def __init__(
        self,
        records: Records,
        read_back: ReadBack | None,
        *,
        keep_seconds: float,
        clocks: Clocks = moment,
    ) -> None:
        self._records = records
        self._read_back = read_back
        self._keep_seconds = keep_seconds
        self._clocks = clocks
        self._holder = secrets.token_hex(8)

    async def run(self, *, interval_seconds: float) -> None:
        """Run until cancelled: a pass at each interval, unless another process has the lease."""
        while True:
            # Jitter: replicas that start together must not call the platform together.
            await asyncio.sleep(interval_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            try:
                await self._turn(interval_seconds)
            except StoreUnavailableError as error:
                log.warning("reconciling has to wait: %s", error)
            except Exception:
                log.exception("reconciling failed")

    async def _turn(self, interval_seconds: float) -> None:
        now = self._clocks().wall
        until = now + 3 * interval_seconds
        if await self._records.store.lease(LEASE, self._holder, now=now, until=until):
            report = await self.reconcile()
            await self.purge()
            if report.invited or report.released:
                log.info(
                    "reconciled: %d invited, %d not sent, %d open",
                    report.invited,
                    report.released,
                    len(report.open),
                )

    async def reconcile(self, *, progress: Callable[[Report], None] | None = None) -> Report:
        """One pass over all records in doubt."""
        turn = _Pass(self._records, self._read_back, self._clocks)
        while await turn.next_page():
            if progress is not None:
                progress(turn.report)
        counts = await self._records.store.count()
        open_sending = sum(left.record.state is State.SENDING for left in turn.report.open)
        turn.report.in_flight = max(0, counts.get(State.SENDING, 0) - open_sending)
        return turn.report

    async def purge(self) -> int:
        """Delete settled records that are old enough; records in doubt stay, however old.

        Only if the wall clock has run steadily for as long as records are kept: a clock set forward
        would make young records look old, and their keys would be sent again.
        """
        now = self._clocks()
        if now.ticks - await self._even_since(now) < self._keep_seconds:
            return 0
        gone = 0
        while True:
            before = now.wall - self._keep_seconds - _UNEVEN_SECONDS
            some = await self._records.store.purge(before=before, limit=PURGE_AT_A_TIME)
            gone += some
            if some < PURGE_AT_A_TIME:
                return gone

    async def _even_since(self, now: Moment) -> float:
        """Since when, in this machine's ticks, both clocks are known to have run steadily."""
        apart = round((now.wall - now.ticks) / _UNEVEN_SECONDS)
        seen_first = await self._records.store.remember(
            f"clocks {now.boot} {apart}", repr(now.ticks).encode()
        )
        return float(seen_first)


class _Pass:
    """One pass over every record in doubt; a track's list is read once for each page of records.

    Only one list is in memory at a time: they may be long and many.
    """

    def __init__(self, records: Records, read_back: ReadBack | None, clocks: Clocks) -> None:
        self.report = Report()
        self._store = records.store
        self._read_back = read_back
        self._clocks = clocks
        self._after = b""

    async def next_page(self) -> bool:
        page = await self._store.doubtful(now=self._clocks().wall, after=self._after)
        by_track = sorted(page, key=lambda record: record.track_id)
        for track_id, records in groupby(by_track, key=lambda record: record.track_id):
            await self._settle_track(track_id, records)
        if page:
            self._after = page[-1].record_id
        return bool(page)

    async def _settle_track(self, track_id: int, records: Iterable[Record]) -> None:
        read_back = self._read_back
        look = Doubt.OFF if read_back is None else await read_back.list_track(track_id)
        for record in records:
            if read_back is None:
                self.report.open.append(OpenRecord(record, record.doubt or Doubt.OFF))
            else:
                await self._settle(record, look, read_back)

    async def _settle(self, record: Record, look: Look, read_back: ReadBack) -> None:
        finding, now = await read_back.weigh(record, look), self._clocks().wall
        if isinstance(finding, Applicant):
            answer = packed_applicant(finding, track_id=record.track_id)
            outcome = settled(record, State.INVITED, now=now, answer=answer)
            self.report.invited += await self._store.swap(outcome, was=record)
        elif isinstance(finding, NotInvited):
            outcome = settled(record, State.RELEASED, now=now)
            self.report.released += await self._store.swap(outcome, was=record)
        else:
            left = await read_back.leave(record, finding)
            self.report.open.append(OpenRecord(left, finding))
