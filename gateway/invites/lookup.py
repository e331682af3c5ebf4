"""Look-ups of unknown outcomes within the time of a request."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.invites.doubt import Doubt
from gateway.invites.models import (
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
)
from gateway.invites.record import follows_doubt
from gateway.invites.store import StoreUnavailableError
from gateway.invites.stored_result import packed_applicant, unpack
from gateway.upstream.wire import Applicant

if TYPE_CHECKING:
    from gateway.invites.deadline import Deadline
    from gateway.invites.evidence import Finding
    from gateway.invites.read_back import ReadBack
    from gateway.invites.record import Record

log = logging.getLogger("gateway.invites")


class Clearing:
    """Looks up outcomes in the platform's list, if the gateway reads one."""

    def __init__(self, read_back: ReadBack | None) -> None:
        self._read_back = read_back

    async def clear_up(
        self, claim: Record, result: InviteResult, request: InviteRequest, *, deadline: Deadline
    ) -> tuple[InviteResult, Doubt | None]:
        """`result`, or what the list proves if the outcome is unknown; and the doubt left."""
        result = _after_doubt(claim, result)
        if isinstance(result, InviteSuccess) or result.outcome is InviteOutcome.NOT_INVITED:
            return result, None
        if self._read_back is not None:
            await _honour(result.retry_after_seconds, deadline)
        try:
            finding = await self.look(claim, request, deadline=deadline, whole=False)
        except StoreUnavailableError as error:
            log.warning("an outcome could not be looked up: %s", error)
            finding = Doubt.NOT_LOOKED_UP
        if isinstance(finding, Applicant):
            found = unpack(packed_applicant(finding, track_id=claim.track_id), request)
            return _as_first(found), None
        if result.outcome is InviteOutcome.INVITED or not isinstance(finding, Doubt):
            return result, None
        return result, finding

    async def look(
        self, record: Record, request: InviteRequest, *, deadline: Deadline, whole: bool = True
    ) -> Finding:
        """What the list proves about the record. Raises StoreUnavailableError."""
        if record.doubt is Doubt.OWN_KEY:
            return Doubt.OWN_KEY
        if self._read_back is None:
            return Doubt.OFF
        left = deadline.seconds_left
        if left <= 0:
            return Doubt.NOT_LOOKED_UP
        return await self._read_back.look_for(
            record, request.candidate_email, seconds_left=left, whole=whole
        )

    async def leave(self, record: Record, doubt: Doubt) -> None:
        """Note in the record why it stays in doubt. Raises StoreUnavailableError."""
        if self._read_back is not None:
            await self._read_back.leave(record, doubt)

    def may_change(self, record: Record, doubt: Doubt | None, *, now: float) -> bool:
        """Whether a later request with the key may settle the outcome."""
        if self._read_back is None or doubt is Doubt.OWN_KEY or doubt is Doubt.REFUSED:
            return False
        if doubt is None or doubt.settles_itself:
            return True
        # The list may lag.
        return now - record.first_sent_at < self._read_back.rules.quiet_seconds


def _after_doubt(claim: Record, result: InviteResult) -> InviteResult:
    """After an attempt of unknown outcome, a conflict may be caused by that attempt's invite."""
    if follows_doubt(claim) and isinstance(result, InviteFailure) and result.is_conflict:
        return replace(result, outcome=InviteOutcome.UNKNOWN)
    return result


def _as_first(result: InviteResult) -> InviteResult:
    return replace(result, replayed=False) if isinstance(result, InviteSuccess) else result


async def _honour(retry_after_seconds: int | None, deadline: Deadline) -> None:
    """Wait for as long as the platform asked, if that is before the deadline."""
    if retry_after_seconds is not None and retry_after_seconds < deadline.seconds_left:
        await asyncio.sleep(retry_after_seconds)
