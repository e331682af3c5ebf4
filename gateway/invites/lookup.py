"""Clearing up what an exchange left open, in the time that a caller has."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.invites.failures import keyed
from gateway.invites.models import InviteOutcome, InviteRequest, InviteResult, InviteSuccess
from gateway.invites.read_back import Doubt
from gateway.invites.record import absence_is_proof, seen_absent
from gateway.invites.stored_result import packed_applicant, unpack
from gateway.upstream.wire import Applicant

if TYPE_CHECKING:
    from gateway.invites.deadline import Deadline
    from gateway.invites.read_back import ReadBack, Sighting
    from gateway.invites.record import Record
    from gateway.invites.store import Store


class Clearing:
    """Asks the upstream's list, if there is one to ask."""

    def __init__(self, store: Store, read_back: ReadBack | None) -> None:
        self._store = store
        self._read_back = read_back

    async def clear_up(
        self, claim: Record, result: InviteResult, request: InviteRequest, *, deadline: Deadline
    ) -> InviteResult:
        """`result`, or what the list says where the exchange left it open."""
        if isinstance(result, InviteSuccess) or result.outcome is InviteOutcome.NOT_INVITED:
            return result
        if self._read_back is not None:
            await _honour(result.retry_after_seconds, deadline)
        sighting = await self.look(claim, request, deadline=deadline)
        if not isinstance(sighting, Applicant):
            return keyed(result)
        found = unpack(packed_applicant(sighting, track_id=claim.track_id), request)
        return replace(found, replayed=False) if isinstance(found, InviteSuccess) else found

    async def look(self, record: Record, request: InviteRequest, *, deadline: Deadline) -> Sighting:
        """The record's applicant, None if the list is without it, or why it cannot be told."""
        left = deadline.seconds_left
        if self._read_back is None or left <= 0:
            return Doubt.OFF
        return await self._read_back.look_for(record, request.candidate_email, seconds_left=left)

    async def believes_absence(self, record: Record, *, now: float, deadline: Deadline) -> bool:
        """That the list is without the record's candidate is proof; a first look is noted.

        Raises StoreUnavailableError.
        """
        if self._read_back is None:
            return False
        if absence_is_proof(record, now=now, quiet_seconds=self._read_back.quiet_seconds):
            return await self._read_back.shows_invites(seconds_left=deadline.seconds_left)
        if record.absent_since is None:
            await self._store.swap(seen_absent(record, now=now), was=record)
        return False


async def _honour(retry_after_seconds: int | None, deadline: Deadline) -> None:
    """Leave the upstream in peace for as long as it asked, where the caller has the time."""
    if retry_after_seconds is not None and retry_after_seconds < deadline.seconds_left:
        await asyncio.sleep(retry_after_seconds)
