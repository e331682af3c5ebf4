"""Looks candidates up in the platform's own list of applicants, and weighs what it shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.invites.clocks import Clocks, ClockWatch, moment
from gateway.invites.doubt import Doubt
from gateway.invites.evidence import Case, Finding, Rules, weigh
from gateway.invites.inputs import comparable_email
from gateway.invites.record import left_in_doubt
from gateway.upstream.call import applicants_call
from gateway.upstream.wire import Applicant, NoReply, Reply, is_html, read_applicants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.invites.record import Record
    from gateway.invites.records import Records
    from gateway.upstream.contract import Upstream

PER_PAGE: Final = 200
MOST_PAGES: Final = 100
CALL_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Listing:
    """What was listed; `whole` if it is the whole list, as it was at one moment.

    `clock_offset` is how many seconds the platform's clock is ahead of ours.
    """

    applicants: tuple[Applicant, ...]
    whole: bool
    clock_offset: float = 0.0

    def shows(self, application_id: str) -> bool:
        return any(one.application_id == application_id for one in self.applicants)


Look: TypeAlias = Listing | Doubt


class ReadBack:
    """Reads the platform's list; `rules` say what it proves."""

    def __init__(
        self, upstream: Upstream, *, records: Records, rules: Rules, clocks: Clocks = moment
    ) -> None:
        self.rules = rules
        self._upstream = upstream
        self._records = records
        self._clocks = clocks
        self._watch = ClockWatch(clocks)

    async def look_for(
        self, record: Record, email: str, *, seconds_left: float, whole: bool = True
    ) -> Finding:
        """What the list proves about the record.

        Without `whole`, the list is read only as far as the platform narrows it to the address:
        quick, but enough only to find somebody. Raises StoreUnavailableError.
        """
        try:
            async with asyncio.timeout(seconds_left):
                finding: Finding = Doubt.UNREADABLE
                # The platform may spell a domain beyond ASCII in another way, and not find it.
                if email.isascii():
                    look = await self.list_track(record.track_id, email)
                    finding = await self.weigh(record, look)
                    if isinstance(look, Doubt) or isinstance(finding, Applicant):
                        return finding
                if whole:
                    look = await self.list_track(record.track_id)
                    finding = await self.weigh(record, look)
                return finding
        except TimeoutError:
            return Doubt.UNREADABLE

    async def list_track(self, track_id: int, email: str | None = None) -> Look:
        """All applicants of the track, or those that the platform finds by this address."""
        return await self._pages(track_id, {} if email is None else {"email": email})

    async def shows(self, track_id: int, application_id: str) -> bool | None:
        """Whether the list shows the application now; None if it cannot be read."""
        look = await self._pages(track_id, {"application_id": application_id})
        return None if isinstance(look, Doubt) else look.shows(application_id)

    async def weigh(self, record: Record, look: Look) -> Finding:
        """What the look proves about the record. Raises StoreUnavailableError."""
        if record.doubt is Doubt.OWN_KEY:
            # Its list is that of another account.
            return Doubt.OWN_KEY
        if isinstance(look, Doubt):
            return look
        store, track_id = self._records.store, record.track_id
        entries = [one for one in look.applicants if self._is_candidate(one, record)]
        known = await store.of_person(record.email_hash, track_id) if entries else ()
        # At the first look without the candidate nothing is concluded yet.
        ask_for_witnesses = not entries and record.absent is not None
        return weigh(
            Case(
                record,
                self._clocks(),
                entries=entries,
                listed=frozenset(one.application_id for one in look.applicants),
                whole=look.whole,
                offsets=self._watch.offsets(record.first_sent_at, look.clock_offset),
                others=[other for other in known if other.record_id != record.record_id],
                witnesses=await store.witnesses(track_id) if ask_for_witnesses else (),
            ),
            self.rules,
        )

    async def leave(self, record: Record, doubt: Doubt) -> Record:
        """Note the doubt in the record, if it is new. Raises StoreUnavailableError."""
        left = left_in_doubt(
            record, doubt, now=self._clocks(), quiet_seconds=self.rules.quiet_seconds
        )
        if left != record:
            await self._records.store.swap(left, was=record)
        return left

    def _is_candidate(self, applicant: Applicant, record: Record) -> bool:
        return self._records.hasher.email(comparable_email(applicant.email)) == record.email_hash

    async def _pages(self, track_id: int, narrowed: Mapping[str, str]) -> Look:
        applicants: list[Applicant] = []
        offset = 0.0
        for page in range(1, MOST_PAGES + 1):
            query = {**narrowed, "page": str(page), "per_page": str(PER_PAGE)}
            asked_at = self._clocks().wall
            reply = await self._upstream.send(
                applicants_call(track_id, query, timeout_seconds=CALL_SECONDS)
            )
            if isinstance(reply, NoReply):
                return Doubt.UNREADABLE
            listed = read_applicants(reply)
            if listed is None:
                return _doubt_of(reply)
            if page == 1:
                offset = clock_offset(reply.date, asked_at=asked_at, got_at=self._clocks().wall)
            applicants += listed.applicants
            if not listed.has_next:
                whole = not narrowed and _is_complete(applicants, listed.total)
                return Listing(tuple(applicants), whole, offset)
            if not listed.applicants:
                break
        return Doubt.UNREADABLE


def clock_offset(date: str | None, *, asked_at: float, got_at: float) -> float:
    """How many seconds the platform's clock is ahead, by the `Date` of a reply.

    0 if the clocks may agree, for that header tells whole seconds, or if it cannot be read.
    """
    try:
        told = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    least, most = told - got_at, told + 1 - asked_at
    return 0.0 if least <= 0 <= most else least


def _is_complete(applicants: list[Applicant], total: int | None) -> bool:
    """Nothing was missed because the list changed between its pages."""
    ids = {one.application_id for one in applicants}
    return len(ids) == len(applicants) and total in (None, len(ids))


def _doubt_of(reply: Reply) -> Doubt:
    refuses = reply.status in (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
    )
    return Doubt.REFUSED if refuses and not is_html(reply) else Doubt.UNREADABLE
