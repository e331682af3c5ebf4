"""Bulk invites: each candidate as by a single invite, in the order of the list, at one pace."""

from __future__ import annotations

import asyncio
import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeGuard

from gateway.invites.deadline import Deadline, within
from gateway.invites.failures import held_back, never_sent, stumbled
from gateway.invites.inputs import (
    InviteDraft,
    InviteEnded,
    check,
    ignored,
    lowercased,
    normalised_email,
)
from gateway.invites.models import (
    ANYONE,
    InputIssue,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
    Origin,
)
from gateway.invites.results import refusal_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.invites.pace import Pace, Paces

log = logging.getLogger("gateway.invites")

_NOT_YET = stumbled(retryable=False)


class TooManyCandidatesError(Exception):
    """The list is longer than `most`; none of it was sent."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} candidates")
        self.most = most


class OneByOne(Protocol):
    """Invites one candidate; `gateway.invites.invite.Inviter` does."""

    async def invite_checked(
        self, request: InviteRequest, origin: Origin, *, deadline: Deadline
    ) -> InviteResult:
        """The invite or a typed failure by `deadline`."""

    async def recall(self, request: InviteRequest, origin: Origin) -> InviteResult | None:
        """The result of an earlier request with the same key; None if that sent no invite."""

    async def drain(self) -> None:
        """Wait for the invites in progress."""


class PacedInviter:
    """Invites one candidate of a list, and waits while the upstream asks for it.

    `attempt_seconds` limits each attempt, however late the deadline is. The operator's rate limits
    are waited for only with `waits_for_operators_limits`: one caller's limit must not delay other
    callers' lists.
    """

    def __init__(
        self,
        inviter: OneByOne,
        paces: Paces,
        *,
        attempt_seconds: float,
        waits_for_operators_limits: bool = False,
    ) -> None:
        self._inviter = inviter
        self._paces = paces
        self._attempt_seconds = attempt_seconds
        self._waits_for_operators_limits = waits_for_operators_limits

    async def invite(
        self, request: InviteRequest, origin: Origin, *, deadline: Deadline
    ) -> InviteResult:
        """The invite or a typed failure by `deadline`."""
        last: InviteFailure | None = None
        pace = self._paces.of(origin.upstream_api_key)
        while turn := await pace.turn(deadline=deadline):
            try:
                result = await self._inviter.invite_checked(
                    request, origin, deadline=deadline.at_most(self._attempt_seconds)
                )
                if not self._is_turned_away(result):
                    turn.went_through()
                    return result
                turn.turned_away(result.retry_after_seconds)
                last = pace.turned_away = result
            finally:
                turn.end()
        return last or await self._never_sent(request, origin, pace)

    @property
    def at_once(self) -> int:
        """The highest number of concurrent invites."""
        return self._paces.of(None).most

    @property
    def pause_seconds(self) -> float:
        """Seconds without sending, because the upstream asked for that or is overloaded."""
        return self._paces.of(None).pause_seconds

    async def drain(self) -> None:
        """Wait for the keyed invites in progress."""
        await self._inviter.drain()

    def _is_turned_away(self, result: InviteResult) -> TypeGuard[InviteFailure]:
        """Nothing was done, and the same request may succeed a little later."""
        if isinstance(result, InviteSuccess) or result.outcome is not InviteOutcome.NOT_INVITED:
            return False
        if result.code is InviteErrorCode.RATE_LIMITED:
            is_upstreams = result.upstream_status == HTTPStatus.TOO_MANY_REQUESTS
            return is_upstreams or self._waits_for_operators_limits
        return result.retryable and result.retry_after_seconds is not None

    async def _never_sent(self, request: InviteRequest, origin: Origin, pace: Pace) -> InviteResult:
        # An earlier request with the key may have invited: the record shows it.
        earlier = await self._inviter.recall(request, origin)
        if earlier is not None:
            return earlier
        pause = math.ceil(pace.pause_seconds)
        if pause and pace.turned_away is not None:
            return held_back(pace.turned_away, retry_after_seconds=pause)
        return never_sent()


class BulkInviter:
    """Invites lists of up to `most` candidates; one for the life of the process."""

    def __init__(
        self,
        inviter: PacedInviter,
        *,
        most: int,
        timeout_seconds: float,
        key_required: bool = False,
        ended: InviteEnded = ignored,
    ) -> None:
        self._ended = ended
        self._inviter = inviter
        self._most = most
        self._timeout_seconds = timeout_seconds
        self._key_required = key_required

    async def invite_all(
        self, drafts: Sequence[InviteDraft], origin: Origin = ANYONE
    ) -> list[InviteResult]:
        """One result for each draft, in their order, as `invite` would give it.

        A draft that repeats an earlier draft's address is invalid. The origin's timeout applies
        to the whole list. Raises TooManyCandidatesError before anything is sent.
        """
        if len(drafts) > self._most:
            raise TooManyCandidatesError(self._most)
        deadline = within(origin.seconds_of(self._timeout_seconds))
        results: list[InviteResult] = [_NOT_YET] * len(drafts)
        # Checked one at a time, as needed: a long list must not block the event loop.
        places = enumerate(checked_each(drafts, key_required=self._key_required))

        async def work() -> None:
            for place, checked in places:
                results[place] = await self._one(checked, origin, deadline)
                # Other tasks run first: the replies they read may slow the pace.
                await asyncio.sleep(0)

        workers = min(len(drafts), self._inviter.at_once)
        await asyncio.gather(*(work() for _ in range(workers)))
        for draft, result in zip(drafts, results, strict=True):
            self._ended(draft, result, origin)
        return results

    async def drain(self) -> None:
        """Wait for the keyed invites in progress."""
        await self._inviter.drain()

    async def _one(
        self,
        checked: InviteRequest | tuple[InputIssue, ...],
        origin: Origin,
        deadline: Deadline,
    ) -> InviteResult:
        if not isinstance(checked, InviteRequest):
            return refusal_of(checked)
        try:
            return await self._inviter.invite(checked, origin, deadline=deadline)
        except Exception as error:  # noqa: BLE001 - a bug in one must not hide the results of the others
            # No traceback: the exception's message may hold a name or an address.
            log.error("an invite of a list ended in a bug: %s", type(error).__qualname__)  # noqa: TRY400 - see above
            return stumbled(retryable=checked.idempotency_key is not None)


def checked_each(
    drafts: Sequence[InviteDraft], *, key_required: bool = False
) -> Iterator[InviteRequest | tuple[InputIssue, ...]]:
    """Each draft as a checked request or its issues, a repeated address included."""
    seen: dict[str, str] = {}
    for number, draft in enumerate(drafts, 1):
        checked = check(draft, key_required=key_required)
        yield _once(checked, draft, f"candidate {number}", seen)


def _once(
    checked: InviteRequest | tuple[InputIssue, ...],
    draft: InviteDraft,
    name: str,
    seen: dict[str, str],
) -> InviteRequest | tuple[InputIssue, ...]:
    """`checked`, or an issue if an earlier draft of the list has the same address."""
    if isinstance(checked, InviteRequest):
        email: str | None = checked.candidate_email
    else:
        email = normalised_email(draft.candidate_email)
    if email is None:
        return checked
    first = seen.setdefault(lowercased(email), name)
    if first == name:
        return checked
    repeated = InputIssue("candidate_email", f"Must not be in the list twice: {first} has it too.")
    return (repeated,) if isinstance(checked, InviteRequest) else (*checked, repeated)
