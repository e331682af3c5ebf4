"""What the upstream's own list of applicants says about an invite whose end is unknown.

A candidate who is listed, added since the first attempt, was invited. One who is not listed was
not, but only if the list shows invites at all and does not lag: the upstream's documentation
promises neither. So absence is believed after a quiet period and a second look, and only from a
list that shows the latest invites which are known to have been made. One who was listed before
may have been invited again or not: what a second invite does to the list is not documented.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.invites.inputs import comparable_email
from gateway.invites.stored_result import application_id_in
from gateway.upstream.call import applicants_call
from gateway.upstream.wire import Applicant, NoReply, Reply, read_applicants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.invites.record import Record
    from gateway.invites.records import Records
    from gateway.upstream.contract import Upstream

PER_PAGE: Final = 200
MOST_PAGES: Final = 100
WITNESSES: Final = 3
CALL_SECONDS: Final = 10.0
# A clock that is a little off must not hide an invite.
SKEW_SECONDS: Final = 300.0
# A time without a zone may be any zone's.
WIDEST_ZONE: Final = timedelta(hours=14)
# A date that is misread as an earlier one makes an invite look as if it had not been made. So only
# these forms are read, whole: ISO 8601 with or without a time, and RFC 5322.
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_RFC = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|[+-]\d{4})"
)
# Nobody was invited before the Web; what says so is no date of an invite.
_FIRST_YEAR: Final = 1990


class Doubt(Enum):
    """Why the list settles nothing; the values are for the operator."""

    OFF = "reading back is switched off"
    REFUSED = "the upstream does not let its list be read"
    UNREADABLE = "the upstream's list could not be read"
    UNDATED = "the candidate is listed, but nobody can tell since when"
    EARLIER = "the candidate was listed before; nobody can tell whether it was invited once more"
    NO_WITNESS = "the list has not been seen to show an invite that is known to have been made"
    FIRST_LOOK = "the list does not show the candidate; it is believed at a second look"


@dataclass(frozen=True, slots=True)
class Listing:
    """The whole list, or the part of it that was asked for."""

    applicants: tuple[Applicant, ...]


Look: TypeAlias = Listing | Doubt
Sighting: TypeAlias = Applicant | Doubt | None


class ReadBack:
    """Looks candidates up in the upstream's list."""

    def __init__(
        self,
        upstream: Upstream,
        *,
        records: Records,
        quiet_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.quiet_seconds = quiet_seconds
        self._upstream = upstream
        self._records = records
        self._clock = clock

    async def look_for(self, record: Record, email: str, *, seconds_left: float) -> Sighting:
        """The record's applicant, None if the list is without it, or why it cannot be told."""
        try:
            async with asyncio.timeout(seconds_left):
                look = await self.list_track(record.track_id, email=email)
                return self.find(record, look)
        except TimeoutError:
            return Doubt.UNREADABLE

    async def list_track(self, track_id: int, *, email: str | None = None) -> Look:
        """All applicants of the track, or those with this address."""
        # The upstream may spell a domain beyond ASCII in another way, and would not find it.
        narrowed = {"email": email} if email is not None and email.isascii() else {}
        return await self._pages(track_id, narrowed)

    def find(self, record: Record, look: Look) -> Sighting:
        """The record's applicant in what was listed; None if it is not there."""
        if isinstance(look, Doubt):
            return look
        earliest = datetime.fromtimestamp(record.first_sent_at - SKEW_SECONDS, UTC)
        doubt: Doubt | None = None
        for applicant in look.applicants:
            if self._records.hasher.email(comparable_email(applicant.email)) == record.email_hash:
                latest = latest_moment(applicant.date_added)
                if latest is not None and latest >= earliest:
                    return applicant
                doubt = Doubt.UNDATED if latest is None else doubt or Doubt.EARLIER
        return doubt

    async def shows_invites(self, *, seconds_left: float | None = None) -> bool:
        """The list shows the latest invites that are known to have been made."""
        before = self._clock() - self.quiet_seconds
        latest = await self._records.store.latest_invited(before=before, limit=20 * WITNESSES)
        # Of a success without readable details nobody knows what to look for.
        witnesses = [record for record in latest if application_id_in(record.answer)][:WITNESSES]
        try:
            async with asyncio.timeout(seconds_left):
                listed = [await self._is_listed(record) for record in witnesses]
        except TimeoutError:
            return False
        return bool(listed) and all(listed)

    async def _is_listed(self, record: Record) -> bool:
        application_id = application_id_in(record.answer)
        if application_id is None:
            return False
        look = await self._pages(record.track_id, {"application_id": application_id})
        return isinstance(look, Listing) and any(
            applicant.application_id == application_id for applicant in look.applicants
        )

    async def _pages(self, track_id: int, narrowed: Mapping[str, str]) -> Look:
        applicants: list[Applicant] = []
        for page in range(1, MOST_PAGES + 1):
            query = {**narrowed, "page": str(page), "per_page": str(PER_PAGE)}
            reply = await self._upstream.send(
                applicants_call(track_id, query, timeout_seconds=CALL_SECONDS)
            )
            if isinstance(reply, NoReply):
                return Doubt.UNREADABLE
            listed = read_applicants(reply)
            if listed is None:
                return _doubt_of(reply)
            applicants += listed.applicants
            if not listed.has_next:
                return Listing(tuple(applicants))
            if not listed.applicants:
                break
        return Doubt.UNREADABLE


def latest_moment(text: str | None) -> datetime | None:
    """The latest moment that a date and time of the upstream's may mean; None if unreadable."""
    moment = _moment(text or "")
    if moment is None or not _FIRST_YEAR <= moment.year < MAXYEAR:
        return None
    if len(text or "") == len("2026-11-23"):
        moment += timedelta(days=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC) + WIDEST_ZONE


def _moment(text: str) -> datetime | None:
    try:
        if _ISO.fullmatch(text):
            return datetime.fromisoformat(text)
        return parsedate_to_datetime(text) if _RFC.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def _doubt_of(reply: Reply) -> Doubt:
    refused = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    return Doubt.REFUSED if reply.status in refused else Doubt.UNREADABLE
