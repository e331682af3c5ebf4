"""The use case: invite one candidate to one track, at most once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.invites.admission import Admission, OverloadedError
from gateway.invites.deadline import Deadline, within
from gateway.invites.failures import overloaded, stumbled
from gateway.invites.inputs import InviteDraft, InviteEnded, check, ignored
from gateway.invites.models import ANYONE, InputIssue, InviteRequest, InviteResult, Origin
from gateway.invites.results import refusal_of, result_of

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from gateway.invites.keyed import KeyedInviter
    from gateway.invites.sender import Sender


class Inviter:
    """Invites candidates through an upstream; one for the life of the process."""

    def __init__(
        self,
        sender: Sender,
        *,
        admission: Admission,
        keyed: KeyedInviter,
        timeout_seconds: float,
        key_required: bool = False,
        ended: InviteEnded = ignored,
    ) -> None:
        self._sender = sender
        self._admission = admission
        self._keyed = keyed
        self._timeout_seconds = timeout_seconds
        self._key_required = key_required
        self._ended = ended

    async def invite(
        self,
        draft: InviteDraft,
        origin: Origin = ANYONE,
    ) -> InviteResult:
        """The invite or a typed failure; nothing that the upstream does raises an exception."""
        request = check(draft, key_required=self._key_required)
        try:
            if isinstance(request, InviteRequest):
                deadline = within(origin.seconds_of(self._timeout_seconds))
                result = await self.invite_checked(request, origin, deadline=deadline)
            else:
                result = refusal_of(request)
        except BaseException:
            # A bug, or the end of the process: the candidate may have been invited.
            self._ended(draft, stumbled(retryable=False), origin)
            raise
        self._ended(draft, result, origin)
        return result

    def check(self, draft: InviteDraft) -> InviteRequest | tuple[InputIssue, ...]:
        """The request that `invite` would send, or the input's issues; nothing is sent."""
        return check(draft, key_required=self._key_required)

    def invite_checked(
        self, request: InviteRequest, origin: Origin, *, deadline: Deadline
    ) -> Coroutine[Any, Any, InviteResult]:
        """As `invite`, for checked input."""
        key = request.idempotency_key
        if key is not None:
            return self._keyed.invite(request, key, origin, deadline=deadline)
        return self._invite_once(request, origin, deadline)

    async def recall(self, request: InviteRequest, origin: Origin) -> InviteResult | None:
        """The result of an earlier request with the same key; None if that sent no invite."""
        key = request.idempotency_key
        return None if key is None else await self._keyed.recall(request, key, origin)

    async def drain(self) -> None:
        """Wait for the keyed invites in progress."""
        await self._keyed.drain()

    async def _invite_once(
        self, request: InviteRequest, origin: Origin, deadline: Deadline
    ) -> InviteResult:
        if not self._admission.try_enter():
            try:
                await self._admission.enter(max_wait_seconds=deadline.seconds_left)
            except OverloadedError as error:
                return overloaded(error.retry_after_seconds)
        try:
            sent = await self._sender.send(request, origin, deadline=deadline)
        finally:
            self._admission.leave()
        return result_of(sent.exchange, sent.judgement, request)
