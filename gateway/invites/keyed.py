"""Invites with an idempotency key: one key, one invite, whatever happens on the way.

read the record → take a place → claim (on disk) → send → settle (on disk) → answer
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from gateway.invites.admission import Admission, OverloadedError
from gateway.invites.answers import (
    in_progress,
    interrupted,
    key_reused,
    keyed,
    not_recorded,
    overloaded,
    pack,
    packed_applicant,
    state_after,
    unpack,
)
from gateway.invites.idempotency import (
    Identity,
    Record,
    Standing,
    State,
    StoreUnavailableError,
    absence_is_proof,
    first_claim,
    may_be_first,
    next_claim,
    proved_undone,
    seen_absent,
    settled,
    standing,
)
from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
)
from gateway.invites.readback import Doubt
from gateway.invites.results import result_of
from gateway.invites.settling import WAITS, Settler
from gateway.upstream.wire import Applicant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.invites.readback import ReadBack
    from gateway.invites.records import Records
    from gateway.invites.sending import Sender

log = logging.getLogger("gateway.invites")

_FIRST_POLL_SECONDS: Final = 0.02
_LONGEST_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Job:
    """One request with a key, on its way through this process."""

    request: InviteRequest
    identity: Identity
    deadline: float


_Step: TypeAlias = Record | InviteResult | None
"""A record to look at again, the final answer, or None: read the record."""


class KeyedInviter:
    """Invites once for each key of a caller; one for the life of the process."""

    def __init__(
        self,
        *,
        records: Records,
        sender: Sender,
        admission: Admission,
        read_back: ReadBack | None,
        lease_seconds: float,
        clock: Callable[[], float] = time.time,
        settle_waits: Sequence[float] = WAITS,
    ) -> None:
        self._records = records
        self._store = records.store
        self._sender = sender
        self._admission = admission
        self._read_back = read_back
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._running: dict[bytes, tuple[bytes, asyncio.Task[InviteResult]]] = {}
        self._settler = Settler(records.store, waits=settle_waits)

    async def invite(
        self, request: InviteRequest, key: str, *, scope: str, deadline: float
    ) -> InviteResult:
        """The invite, or a typed failure; `deadline` is on the event loop's clock.

        The invite goes on to its end when the caller is cancelled.
        """
        try:
            identity = self._records.hasher.identify(request, key, scope=scope)
        except StoreUnavailableError as error:
            return _store_failed(error, InviteOutcome.UNKNOWN)
        running = self._running.get(identity.record_id)
        if running is not None:
            return await _join(*running, identity.fingerprint, deadline)
        # A task of its own: a caller that hangs up must not cut an invite in half.
        task = asyncio.create_task(self._invite(_Job(request, identity, deadline)))
        self._running[identity.record_id] = (identity.fingerprint, task)
        task.add_done_callback(lambda _: self._running.pop(identity.record_id))
        return await asyncio.shield(task)

    async def recall(self, request: InviteRequest, key: str, *, scope: str) -> InviteResult | None:
        """What earlier requests with the key came to; None if they invited nobody for sure."""
        try:
            identity = self._records.hasher.identify(request, key, scope=scope)
            record = await self._store.read(identity.record_id)
        except StoreUnavailableError as error:
            return _store_failed(error, InviteOutcome.UNKNOWN)
        if record is None:
            return None
        job = _Job(request, identity, deadline=0.0)
        if standing(record, identity.fingerprint, now=self._clock()) is Standing.FREE:
            return None
        return self._as_it_stands(record, job)

    async def drain(self) -> None:
        """Wait until what was begun is sent, settled and answered."""
        while self._running:
            await asyncio.wait([task for _, task in self._running.values()])
        await self._settler.drain()

    async def _invite(self, job: _Job) -> InviteResult:
        try:
            record = await self._store.read(job.identity.record_id)
        except StoreUnavailableError as error:
            return _store_failed(error, InviteOutcome.UNKNOWN)
        step = await self._step(record, job)
        while not isinstance(step, InviteSuccess | InviteFailure):
            step = await self._step(step, job)
        return step

    async def _step(self, record: Record | None, job: _Job) -> _Step:
        if record is None:
            claim = first_claim(job.identity, now=self._clock(), lease_seconds=self._lease_seconds)
            return await self._claim_and_send(claim, None, job)
        match standing(record, job.identity.fingerprint, now=self._clock()):
            case Standing.REUSED:
                return key_reused()
            case Standing.ANSWERED:
                return _replay(record, job)
            case Standing.IN_FLIGHT:
                return await self._watch(record, job)
            case Standing.IN_DOUBT:
                return await self._resolve(record, job)
            case Standing.FREE:
                return await self._take_over(record, job)
            case other:
                assert_never(other)

    async def _take_over(self, record: Record, job: _Job) -> _Step:
        claim = next_claim(record, now=self._clock(), lease_seconds=self._lease_seconds)
        return await self._claim_and_send(claim, record, job)

    async def _claim_and_send(self, claim: Record, was: Record | None, job: _Job) -> _Step:
        seconds_left = _seconds_left(job.deadline)
        try:
            async with self._admission.place(max_wait_seconds=seconds_left):
                # Waiting for the place took time that the lease is not to lose.
                now, is_first = self._clock(), may_be_first(claim)
                claim = replace(claim, lease_until=now + self._lease_seconds, updated_at=now)
                if is_first:
                    claim = replace(claim, first_sent_at=now)
                if was is None:
                    claim = replace(claim, created_at=now)
                send_by = time.monotonic() + self._lease_seconds / 2
                if await self._claim(claim, was):
                    return await self._send(claim, job, send_by)
        except OverloadedError as error:
            return overloaded(error.retry_after_seconds)
        except StoreUnavailableError as error:
            # The claim's commit failed or is unclear: not a byte was sent for it.
            return await self._after_failed_claim(was, job, error)
        return await self._look_again(job)

    async def _claim(self, claim: Record, was: Record | None) -> bool:
        if was is None:
            return await self._store.insert(claim)
        return await self._store.swap(claim, was=was)

    async def _after_failed_claim(
        self, was: Record | None, job: _Job, error: StoreUnavailableError
    ) -> _Step:
        step = await self._look_again(job)
        if step is None or step == was:
            return _store_failed(error, InviteOutcome.NOT_INVITED)
        # Whose claim this is, nobody can tell: it is waited for like anybody's.
        return step

    async def _look_again(self, job: _Job) -> _Step:
        """Somebody else was quicker; a record that is gone by now is looked for once more."""
        try:
            return await self._store.read(job.identity.record_id)
        except StoreUnavailableError as error:
            return _store_failed(error, InviteOutcome.UNKNOWN)

    async def _send(self, claim: Record, job: _Job, send_by: float) -> InviteResult:
        # The record must be on disk before the first byte leaves: after a crash, a missing
        # record is the only proof that nothing was sent.
        sent = await self._sender.send(
            job.request,
            deadline=job.deadline,
            send_by=send_by,
            idempotency_key=claim.record_id.hex(),
        )
        result = _after_doubt(claim, result_of(sent.exchange, sent.judgement, job.request))
        result = await self._clear_up(claim, result, job)
        outcome = _outcome(claim, result, now=self._clock())
        instead = await self._settler.settle(outcome, claim=claim)
        if instead is None or outcome.state is State.INVITED:
            return result
        # This process was paused past its lease: what another one did since then counts.
        return self._as_it_stands(instead, job)

    def _as_it_stands(self, record: Record, job: _Job) -> InviteResult:
        match standing(record, job.identity.fingerprint, now=self._clock()):
            case Standing.REUSED:
                return key_reused()
            case Standing.ANSWERED:
                return _replay(record, job)
            case Standing.IN_FLIGHT | Standing.FREE:
                return in_progress()
            case Standing.IN_DOUBT:
                return keyed(_replay(record, job))
            case other:
                assert_never(other)

    async def _clear_up(self, claim: Record, result: InviteResult, job: _Job) -> InviteResult:
        """`result`, or what the upstream's list says where the exchange left it open."""
        if isinstance(result, InviteSuccess) or result.outcome is InviteOutcome.NOT_INVITED:
            return result
        if self._read_back is not None:
            await _honour(result.retry_after_seconds, job)
        sighting = await self._look(claim, job)
        if not isinstance(sighting, Applicant):
            return keyed(result)
        answer = packed_applicant(sighting, track_id=claim.track_id)
        found = unpack(answer, job.request)
        return found._replace(replayed=False) if isinstance(found, InviteSuccess) else found

    async def _look(self, record: Record, job: _Job) -> Applicant | Doubt | None:
        seconds_left = _seconds_left(job.deadline)
        if self._read_back is None or seconds_left <= 0:
            return Doubt.OFF
        return await self._read_back.look_for(
            record, job.request.candidate_email, seconds_left=seconds_left
        )

    async def _watch(self, record: Record, job: _Job) -> _Step:
        """The record of another process once it has changed or its lease has ended."""
        wait = _FIRST_POLL_SECONDS
        while _seconds_left(job.deadline) > wait:
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_POLL_SECONDS)
            try:
                now_there = await self._store.read(record.record_id)
            except StoreUnavailableError as error:
                return _store_failed(error, InviteOutcome.UNKNOWN)
            if now_there != record or self._clock() >= record.lease_until:
                return now_there
        return in_progress()

    async def _resolve(self, record: Record, job: _Job) -> _Step:
        """A record in doubt: found in the upstream's list, sent anew, or left as it is."""
        sighting = await self._look(record, job)
        now = self._clock()
        try:
            if isinstance(sighting, Applicant):
                answer = packed_applicant(sighting, track_id=record.track_id)
                await self._store.swap(
                    settled(record, State.INVITED, now=now, answer=answer), was=record
                )
                return unpack(answer, job.request)
            if sighting is None and await self._believes_absence(record, job, now=now):
                return await self._take_over(record, job)
        except StoreUnavailableError as error:
            log.warning("a record could not be settled: %s", error)
        return keyed(_replay(record, job))

    async def _believes_absence(self, record: Record, job: _Job, *, now: float) -> bool:
        if self._read_back is None:
            return False
        if absence_is_proof(record, now=now, quiet_seconds=self._read_back.quiet_seconds):
            return await self._read_back.shows_invites(seconds_left=_seconds_left(job.deadline))
        if record.absent_since is None:
            await self._store.swap(seen_absent(record, now=now), was=record)
        return False


async def _join(
    fingerprint: bytes, task: asyncio.Task[InviteResult], own: bytes, deadline: float
) -> InviteResult:
    """The answer of the request with the same key that this process is at work on."""
    if fingerprint != own:
        return key_reused()
    done, _ = await asyncio.wait([task], timeout=max(0.0, _seconds_left(deadline)))
    if not done:
        return in_progress()
    result = task.result()
    return result._replace(replayed=True) if isinstance(result, InviteSuccess) else result


async def _honour(retry_after_seconds: int | None, job: _Job) -> None:
    """Leave the upstream in peace for as long as it asked, where the caller has the time."""
    if retry_after_seconds is not None and retry_after_seconds < _seconds_left(job.deadline):
        await asyncio.sleep(retry_after_seconds)


def _replay(record: Record, job: _Job) -> InviteResult:
    if record.answer is None:
        return interrupted(record.track_id)
    return unpack(record.answer, job.request)


def _outcome(claim: Record, result: InviteResult, *, now: float) -> Record:
    state, answer = state_after(result), pack(result)
    if state is State.RELEASED:
        return proved_undone(claim, now=now, answer=answer)
    return settled(claim, state, now=now, answer=answer)


def _after_doubt(claim: Record, result: InviteResult) -> InviteResult:
    """A conflict after an attempt of unknown end may be that attempt's own invite."""
    if (
        not may_be_first(claim)
        and isinstance(result, InviteFailure)
        and result.code is InviteErrorCode.ALREADY_INVITED
    ):
        return replace(result, outcome=InviteOutcome.UNKNOWN)
    return result


def _store_failed(error: StoreUnavailableError, outcome: InviteOutcome) -> InviteFailure:
    log.warning("an invite was not sent because it could not be recorded: %s", error)
    return not_recorded(outcome)


def _seconds_left(deadline: float) -> float:
    return deadline - asyncio.get_running_loop().time()
