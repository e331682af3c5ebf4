"""Looks up candidates in the platform's list of applicants, and weighs the evidence."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.invites.clocks import Clocks, ClockWatch, moment
from gateway.invites.doubt import Doubt
from gateway.invites.evidence import Case, Finding, Rules, weigh
from gateway.invites.inputs import comparable_email
from gateway.invites.models import InviteErrorCode
from gateway.invites.outcomes import judge
from gateway.invites.record import left_in_doubt
from gateway.upstream.call import applicants_call
from gateway.upstream.wire import Applicant, Exchange, NoReply, Reply, read_applicants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.invites.record import Record
    from gateway.invites.records import Records
    from gateway.upstream.contract import Upstream

PER_PAGE: Final = 200
MOST_PAGES: Final = 100
CALL_SECONDS: Final = 10.0
_REFUSALS: Final = (
    InviteErrorCode.UPSTREAM_UNAUTHORIZED,
    InviteErrorCode.INVITE_QUOTA_EXHAUSTED,
    InviteErrorCode.TRACK_NOT_FOUND,
)


@dataclass(frozen=True, slots=True)
class Listing:
    """The applicants listed; `whole` if that is the complete list, as of one moment.

    `clock_offset` is the number of seconds by which the platform's clock is ahead of ours.
    """

    applicants: tuple[Applicant, ...]
    whole: bool
    clock_offset: float = 0.0

    def shows(self, application_id: str) -> bool:
        return any(one.application_id == application_id for one in self.applicants)


Look: TypeAlias = Listing | Doubt


class ReadBack:
    """Reads the platform's list; `rules` are the operator's settings for what it proves."""

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

        Without `whole`, only the entries that the platform finds by the address are read: quick,
        but no proof of absence. Raises StoreUnavailableError.
        """
        try:
            async with asyncio.timeout(seconds_left):
                finding: Finding = Doubt.UNREADABLE
                # The platform may spell an internationalised domain differently, and not find it.
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
        """All applicants of the track, or those that the platform finds by the address."""
        return await self._pages(track_id, {} if email is None else {"email": email})

    async def shows(self, track_id: int, application_id: str) -> bool | None:
        """Whether the list shows the application now; None if it cannot be read."""
        look = await self._pages(track_id, {"application_id": application_id})
        return None if isinstance(look, Doubt) else look.shows(application_id)

    async def weigh(self, record: Record, look: Look) -> Finding:
        """What the look-up proves about the record. Raises StoreUnavailableError."""
        if record.doubt is Doubt.OWN_KEY:
            # It belongs to another account, whose list the gateway cannot read.
            return Doubt.OWN_KEY
        if isinstance(look, Doubt):
            return look
        store, track_id = self._records.store, record.track_id
        entries = [one for one in look.applicants if self._is_candidate(one, record)]
        known = await store.of_person(record.email_hash, track_id) if entries else ()
        # The first look-up without the candidate proves nothing, so it needs no witness.
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
        totals: set[int | None] = set()
        offset = 0.0
        for page in range(1, MOST_PAGES + 1):
            query = {**narrowed, "page": str(page), "per_page": str(PER_PAGE)}
            asked_at = self._clocks().wall
            reply = await self._ask(track_id, query)
            if isinstance(reply, NoReply):
                return Doubt.UNREADABLE
            listed = read_applicants(reply)
            if listed is None:
                return _doubt_of(reply)
            if page == 1:
                offset = clock_offset(reply.date, asked_at=asked_at, got_at=self._clocks().wall)
            applicants += listed.applicants
            totals.add(listed.total)
            if not listed.has_next:
                whole = not narrowed and _is_complete(applicants, totals)
                return Listing(tuple(applicants), whole, offset)
            if not listed.applicants:
                break
        return Doubt.UNREADABLE

    async def _ask(self, track_id: int, query: Mapping[str, str]) -> Exchange:
        """The reply; after a 401, the one to a new key, if there is one."""
        reply = await self._ask_once(track_id, query)
        refused = isinstance(reply, Reply) and reply.status == HTTPStatus.UNAUTHORIZED
        if refused and self._upstream.reread_api_key():
            return await self._ask_once(track_id, query)
        return reply

    async def _ask_once(self, track_id: int, query: Mapping[str, str]) -> Exchange:
        return await self._upstream.send(
            applicants_call(track_id, query, timeout_seconds=CALL_SECONDS)
        )


def clock_offset(date: str | None, *, asked_at: float, got_at: float) -> float:
    """Seconds by which the platform's clock is ahead, from the `Date` of a reply.

    0 if the clocks may agree, since that header has whole seconds, or if it cannot be read.
    """
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    least, most = theirs - got_at, theirs + 1 - asked_at
    return 0.0 if least <= 0 <= most else least


def _is_complete(applicants: list[Applicant], totals: set[int | None]) -> bool:
    """Whether all applicants were read, and the list did not change between two pages."""
    ids = {one.application_id for one in applicants}
    return len(ids) == len(applicants) and totals in ({None}, {len(ids)})


def _doubt_of(reply: Reply) -> Doubt:
    code = judge(reply, now=lambda: datetime.now(UTC)).code
    return Doubt.REFUSED if code in _REFUSALS else Doubt.UNREADABLE
