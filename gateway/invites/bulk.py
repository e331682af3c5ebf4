"""Many candidates at once: each invited as one alone is, in one list's order, at one pace."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import replace
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Protocol, TypeGuard

from gateway.invites.failures import held_back, never_sent, stumbled
from gateway.invites.inputs import InviteDraft, check, in_small, normalised_email
from gateway.invites.models import (
    InputIssue,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
)
from gateway.invites.results import refusal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.invites.pace import Pace

log = logging.getLogger("gateway.invites")


class TooManyCandidatesError(Exception):
    """The list is longer than `most`; nothing of it was sent."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} candidates")
        self.most = most


class OneByOne(Protocol):
    """Invites one candidate; `gateway.invites.invite.Inviter` does."""

    async def invite_checked(
        self, request: InviteRequest, *, scope: str, deadline: float
    ) -> InviteResult:
        """The invite or a typed failure by `deadline`, which is on the event loop's clock."""

    async def recall(self, request: InviteRequest, *, scope: str) -> InviteResult | None:
        """What an earlier request with the same key came to; None if it invited nobody."""

    async def drain(self) -> None:
        """Wait until what was begun has come to its end."""


class PacedInviter:
    """Invites one candidate of many, and waits where the upstream asks for that.

    `attempt_seconds` bound each attempt, however late the deadline is. The operator's own limits
    are waited for only with `waits_for_operators_limits`: a limit on one caller's invites is no
    reason for other callers' lists to wait.
    """

    def __init__(
        self,
        inviter: OneByOne,
        pace: Pace,
        *,
        attempt_seconds: float,
        waits_for_operators_limits: bool = False,
    ) -> None:
        self._inviter = inviter
        self._pace = pace
        self._attempt_seconds = attempt_seconds
        self._waits_for_operators_limits = waits_for_operators_limits
        self._turned_away: InviteFailure | None = None

    async def invite(self, request: InviteRequest, *, scope: str, deadline: float) -> InviteResult:
        """The invite or a typed failure by `deadline`, which is on the event loop's clock."""
        last: InviteFailure | None = None
        while turn := await self._pace.turn(deadline=deadline):
            try:
                result = await self._attempt(request, scope, deadline)
                if not self._is_turned_away(result):
                    turn.went_through()
                    return result
                turn.turned_away(result.retry_after_seconds)
                last = self._turned_away = result
            finally:
                turn.end()
        return last or await self._never_sent(request, scope)

    @property
    def pause_seconds(self) -> float:
        """How long no invite is sent, because the upstream asked for that or is overloaded."""
        return self._pace.pause_seconds

    async def drain(self) -> None:
        """Wait until every invite with a key that was begun has come to its end."""
        await self._inviter.drain()

    async def _attempt(self, request: InviteRequest, scope: str, deadline: float) -> InviteResult:
        now = asyncio.get_running_loop().time()
        return await self._inviter.invite_checked(
            request, scope=scope, deadline=min(deadline, now + self._attempt_seconds)
        )

    def _is_turned_away(self, result: InviteResult) -> TypeGuard[InviteFailure]:
        """Nothing was done, and the same request a little later may be welcome."""
        if isinstance(result, InviteSuccess) or result.outcome is not InviteOutcome.NOT_INVITED:
            return False
        if result.code is InviteErrorCode.RATE_LIMITED:
            is_upstreams = result.upstream_status == HTTPStatus.TOO_MANY_REQUESTS
            return is_upstreams or self._waits_for_operators_limits
        return result.retryable and result.retry_after_seconds is not None

    async def _never_sent(self, request: InviteRequest, scope: str) -> InviteResult:
        # An earlier request with the key may have invited: only its record can tell.
        earlier = await self._inviter.recall(request, scope=scope)
        if earlier is not None:
            return earlier
        pause = math.ceil(self._pace.pause_seconds)
        if pause and self._turned_away is not None:
            return held_back(self._turned_away, retry_after_seconds=pause)
        return never_sent()


class BulkInviter:
    """Invites lists of up to `most` candidates; one for the life of the process."""

    def __init__(self, inviter: PacedInviter, *, most: int, timeout_seconds: float) -> None:
        self._inviter = inviter
        self._most = most
        self._timeout_seconds = timeout_seconds

    async def invite_all(
        self,
        drafts: Sequence[InviteDraft],
        *,
        scope: str = "",
        sender: str = "",
        upstream_api_key: str | None = None,
        timeout_seconds: float | None = None,
    ) -> list[InviteResult]:
        """One result for each draft, in their order, each as if it had been the only one.

        A second draft with the address of an earlier one is invalid. The caller's own
        `timeout_seconds` may shorten the gateway's, for the whole list. Raises
        TooManyCandidatesError, and sends nothing then.
        """
        if len(drafts) > self._most:
            raise TooManyCandidatesError(self._most)
        seconds = self._timeout_seconds
        if timeout_seconds is not None:
            seconds = min(seconds, timeout_seconds)
        deadline = asyncio.get_running_loop().time() + seconds
        checked = checked_list(drafts, sender=sender, upstream_api_key=upstream_api_key)
        return await asyncio.gather(*(self._one(one, scope, deadline) for one in checked))

    async def drain(self) -> None:
        """Wait until every invite with a key that was begun has come to its end."""
        await self._inviter.drain()

    async def _one(
        self, checked: InviteRequest | tuple[InputIssue, ...], scope: str, deadline: float
    ) -> InviteResult:
        if not isinstance(checked, InviteRequest):
            return refusal_of(checked)
        try:
            return await self._inviter.invite(checked, scope=scope, deadline=deadline)
        except Exception as error:  # noqa: BLE001 - a bug in one must not hide what became of the others
            # Without the traceback, whose message may hold a name or an address.
            log.error("an invite of a list ended in a bug: %s", type(error).__qualname__)  # noqa: TRY400 - see above
            return stumbled(retryable=checked.idempotency_key is not None)


def checked_list(
    drafts: Sequence[InviteDraft],
    *,
    sender: str = "",
    upstream_api_key: str | None = None,
    called: str = "candidate",
    numbers: Iterable[int] | None = None,
) -> list[InviteRequest | tuple[InputIssue, ...]]:
    """Each draft ready to be sent, or all that is wrong with it, its repetition included.

    An earlier draft is named as it is `called`, with its own of the `numbers`, from 1 if none.
    """
    seen: dict[str, str] = {}
    names = (f"{called} {number}" for number in numbers or count(1))
    checked = (_checked(draft, name, seen) for draft, name in zip(drafts, names, strict=False))
    return [
        replace(one, sender=sender, upstream_api_key=upstream_api_key)
        if isinstance(one, InviteRequest)
        else one
        for one in checked
    ]


def _checked(
    draft: InviteDraft, name: str, seen: dict[str, str]
) -> InviteRequest | tuple[InputIssue, ...]:
    checked = check(draft)
    email = normalised_email(draft.candidate_email)
    if email is None:
        return checked
    first = seen.setdefault(in_small(email), name)
    if first == name:
        return checked
    repeated = InputIssue("candidate_email", f"Must not be in the list twice: {first} has it too.")
    return (repeated,) if isinstance(checked, InviteRequest) else (*checked, repeated)
