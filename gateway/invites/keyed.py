"""Invites with an idempotency key: at most one invite for each key, whatever fails.

take a place → claim (on disk), unless there is a record → send → settle (on disk) → result
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from gateway.invites.admission import Admission, OverloadedError
from gateway.invites.claims import Claim, Claims
from gateway.invites.clocks import Clocks, moment
from gateway.invites.deadline import within
from gateway.invites.doubt import Doubt
from gateway.invites.evidence import NotInvited
from gateway.invites.failures import (
    in_progress,
    interrupted,
    key_reused,
    keyed,
    not_recorded,
    overloaded,
)
from gateway.invites.lookup import Clearing
from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
    Origin,
)
from gateway.invites.record import (
    Record,
    Standing,
    State,
    follows_doubt,
    settled,
    standing,
)
from gateway.invites.results import result_of
from gateway.invites.running import Job, Running
from gateway.invites.settler import WAITS, Settler
from gateway.invites.store import StoreUnavailableError
from gateway.invites.stored_result import (
    FINAL_REFUSALS,
    Scramble,
    pack,
    packed_applicant,
    state_after,
    unpack,
)
from gateway.upstream.wire import Applicant

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gateway.invites.deadline import Deadline
    from gateway.invites.identity import Identity
    from gateway.invites.read_back import ReadBack
    from gateway.invites.records import Records
    from gateway.invites.sender import Sender
    from gateway.invites.witness import WitnessLooks

log = logging.getLogger("gateway.invites")

_FIRST_POLL_SECONDS: Final = 0.02
_LONGEST_POLL_SECONDS: Final = 0.5

_Step: TypeAlias = Record | InviteResult | None
"""A record to act on next, the final result, or None: read the record again."""


class KeyedInviter:
    """Invites once for each key of a caller; one for the life of the process.

    A refusal with a code in `final_refusals` is stored and replayed for the key; after any other
    refusal a request with the key is sent again. With `by_person`, a scope is an account, and each
    person is invited once to each track and in each format, whatever the key.
    """

    def __init__(
        self,
        *,
        records: Records,
        sender: Sender,
        admission: Admission,
        read_back: ReadBack | None,
        witness_looks: WitnessLooks | None = None,
        lease_seconds: float,
        final_refusals: Collection[InviteErrorCode] = FINAL_REFUSALS,
        by_person: bool = False,
        clocks: Clocks = moment,
        settle_waits: Sequence[float] = WAITS,
    ) -> None:
        self._records = records
        self._store = records.store
        self._sender = sender
        self._admission = admission
        self._clearing = Clearing(read_back)
        self._witness_looks = witness_looks
        self._claims = Claims(records.store, lease_seconds=lease_seconds, clocks=clocks)
        self._final_refusals = final_refusals
        self._by_person = by_person
        self._clocks = clocks
        self._settler = Settler(records.store, waits=settle_waits)
        self._running = Running(self._invite, settle_late=self._settler.settle_in_background)

    async def invite(
        self, request: InviteRequest, key: str, origin: Origin, *, deadline: Deadline
    ) -> InviteResult:
        """The invite, or a typed failure.

        The invite continues to its end if the caller is cancelled.
        """
        try:
            identity = self._identify(request, key, origin.scope)
        except StoreUnavailableError as error:
            return _store_failed(error, InviteOutcome.UNKNOWN)
        job = self._running.of(identity)
        if job is not None:
            result = await self._running.join(job, identity.fingerprint, deadline=deadline)
            return replace(result, replayed=True) if isinstance(result, InviteSuccess) else result
        return await self._running.begin(Job(request, identity, origin, deadline))

    async def recall(self, request: InviteRequest, key: str, origin: Origin) -> InviteResult | None:
        """The result of earlier requests with the key; None if they certainly sent no invite."""
        try:
            identity = self._identify(request, key, origin.scope)
            record = await self._store.read(identity.record_id)
        except StoreUnavailableError as error:
            return _store_failed(error, InviteOutcome.UNKNOWN)
        if record is None:
            return None
        job = Job(request, identity, origin, within(0))
        if standing(record, identity.fingerprint, now=self._clocks().wall) is Standing.FREE:
            return None
        return self._as_it_stands(record, job)

    def _identify(self, request: InviteRequest, key: str, scope: str) -> Identity:
        if self._by_person:
            return self._records.hasher.identify_person(request, account=scope)
        return self._records.hasher.identify(request, key, scope=scope)

    async def drain(self) -> None:
        """Wait for the invites in progress to be sent and settled."""
        await self._running.drain()
        await self._settler.drain()

    async def _invite(self, job: Job) -> InviteResult:
        # Most keys are new: claiming without reading first saves a query. Where all places are
        # taken, a stored result must not wait for one.
        step: _Step = None
        if not self._admission.has_room:
            step = await self._look(job)
        while not isinstance(step, InviteSuccess | InviteFailure):
            step = await self._step(step, job)
        return step

    async def _step(self, record: Record | None, job: Job) -> _Step:
        if record is None:
            return await self._claim_and_send(None, job)
        match standing(record, job.identity.fingerprint, now=self._clocks().wall):
            case Standing.REUSED:
                return key_reused()
            case Standing.ANSWERED:
                return self._replay(record, job)
            case Standing.IN_FLIGHT:
                return await self._watch(record, job)
            case Standing.IN_DOUBT:
                return await self._resolve(record, job)
            case Standing.FREE:
                return await self._claim_and_send(record, job)
            case other:
                assert_never(other)

    async def _claim_and_send(self, was: Record | None, job: Job) -> _Step:
        """Make one attempt, the first if there `was` no record."""
        admission = self._admission
        if not admission.try_enter():
            try:
                await admission.enter(max_wait_seconds=job.deadline.seconds_left)
            except OverloadedError as error:
                return overloaded(error.retry_after_seconds)
        try:
            try:
                claim = await self._claims.take(was, job.identity, job.origin)
            except StoreUnavailableError as error:
                # The claim's commit failed or is unknown: nothing was sent.
                return await self._after_failed_claim(was, job, error)
            if claim is not None:
                return await self._send(claim, job)
        finally:
            admission.leave()
        return await self._look(job)

    async def _after_failed_claim(
        self, was: Record | None, job: Job, error: StoreUnavailableError
    ) -> _Step:
        step = await self._look(job)
        if step is None or step == was:
            return _store_failed(error, InviteOutcome.NOT_INVITED)
        # The claim may be ours or another process's: it is waited for in either case.
        return step

    async def _look(self, job: Job) -> _Step:
        """The record of the key, None if there is none, or the failure of the store."""
        try:
            return await self._store.read(job.identity.record_id)
        except StoreUnavailableError as error:
            return _store_failed(error, InviteOutcome.UNKNOWN)

    async def _send(self, claim: Claim, job: Job) -> InviteResult:
        # The record must be on disk before the first byte leaves: after a crash, a missing
        # record is the only proof that nothing was sent.
        sent = await self._sender.send(
            job.request,
            job.origin,
            deadline=job.deadline,
            may_send=claim.may_send,
            idempotency_key=claim.record.record_id.hex(),
        )
        return await self._settle(
            claim.record, result_of(sent.exchange, sent.judgement, job.request), job
        )

    async def _settle(self, claim: Record, result: InviteResult, job: Job) -> InviteResult:
        is_first_hand, doubt = isinstance(result, InviteSuccess), None
        if not is_first_hand:
            result, doubt = await self._clearing.clear_up(
                claim, result, job.request, deadline=job.deadline
            )
            result = self._keyed(result, claim, doubt)
        state = state_after(result, final_refusals=self._final_refusals)
        forgets = state is State.RELEASED and follows_doubt(claim)
        answer = None if forgets else pack(result, job.request, self._scramble(job))
        outcome = settled(claim, state, now=self._clocks().wall, answer=answer, doubt=doubt)
        job.unsettled = outcome
        if state is State.INVITED:
            job.success = result
        instead = await self._settler.settle(outcome, claim=claim)
        job.unsettled = None
        if is_first_hand and self._witness_looks is not None:
            await self._witness_looks.look(outcome, seconds_left=job.deadline.seconds_left)
        if instead is None or outcome.state is State.INVITED:
            return result
        # This process was paused past its lease: the other process's record counts.
        return self._as_it_stands(instead, job)

    def _replay(self, record: Record, job: Job) -> InviteResult:
        if record.answer is None:
            return interrupted(record.track_id)
        return unpack(record.answer, job.request, self._scramble(job))

    def _scramble(self, job: Job) -> Scramble:
        return partial(self._scrambled, job)

    def _scrambled(self, job: Job, data: bytes) -> bytes:
        record_id, email = job.identity.record_id, job.request.candidate_email
        return self._records.hasher.scrambled(data, record_id=record_id, email=email)

    def _keyed(self, result: InviteResult, record: Record, doubt: Doubt | None) -> InviteResult:
        may_change = self._clearing.may_change(record, doubt, now=self._clocks().wall)
        return keyed(result, may_change=may_change)

    def _as_it_stands(self, record: Record, job: Job) -> InviteResult:
        match standing(record, job.identity.fingerprint, now=self._clocks().wall):
            case Standing.REUSED:
                return key_reused()
            case Standing.ANSWERED:
                return self._replay(record, job)
            case Standing.IN_FLIGHT | Standing.FREE:
                return in_progress()
            case Standing.IN_DOUBT:
                return self._keyed(self._replay(record, job), record, record.doubt)
            case other:
                assert_never(other)

    async def _watch(self, record: Record, job: Job) -> _Step:
        """Wait until another process's record has changed or its lease has ended."""
        wait = _FIRST_POLL_SECONDS
        while job.deadline.seconds_left > wait:
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_POLL_SECONDS)
            try:
                now_there = await self._store.read(record.record_id)
            except StoreUnavailableError as error:
                return _store_failed(error, InviteOutcome.UNKNOWN)
            if now_there != record or self._clocks().wall >= record.lease_until:
                return now_there
        return in_progress()

    async def _resolve(self, record: Record, job: Job) -> _Step:
        """Resolve a record in doubt: found in the platform's list, sent again, or left as it is."""
        doubt = Doubt.NOT_LOOKED_UP
        try:
            finding = await self._clearing.look(record, job.request, deadline=job.deadline)
            if isinstance(finding, Applicant):
                answer = packed_applicant(finding, track_id=record.track_id)
                found = settled(record, State.INVITED, now=self._clocks().wall, answer=answer)
                if not await self._store.swap(found, was=record):
                    return await self._look(job)
                return unpack(answer, job.request)
            if isinstance(finding, NotInvited):
                return await self._claim_and_send(record, job)
            doubt = finding
            await self._clearing.leave(record, doubt)
        except StoreUnavailableError as error:
            log.warning("a record could not be settled: %s", error)
        return self._keyed(self._replay(record, job), record, doubt)


def _store_failed(error: StoreUnavailableError, outcome: InviteOutcome) -> InviteFailure:
    log.warning("an invite was not sent because it could not be recorded: %s", error)
    return not_recorded(outcome)
