"""The use case: one candidate is invited to one track, at most once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.invites.admission import Admission, OverloadedError
from gateway.invites.failures import overloaded
from gateway.invites.inputs import InviteDraft, check
from gateway.invites.models import InviteRequest, InviteResult
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
    ) -> None:
        self._sender = sender
        self._admission = admission
        self._keyed = keyed
        self._timeout_seconds = timeout_seconds

    async def invite(
        self,
        draft: InviteDraft,
        *,
        scope: str = "",
        sender: str = "",
        upstream_api_key: str | None = None,
        timeout_seconds: float | None = None,
    ) -> InviteResult:
        """The invite or a typed failure; whatever the upstream does, nothing is raised.

        `scope` names the caller whose keys are meant, `sender` the one whose invites are counted,
        who may be known where no caller is. The caller's own `timeout_seconds` may
        shorten the gateway's, not lengthen it.
        """
        request = check(draft)
        if not isinstance(request, InviteRequest):
            return refusal_of(request)
        if sender or upstream_api_key is not None:
            request = replace(request, sender=sender, upstream_api_key=upstream_api_key)
        seconds = self._timeout_seconds
        if timeout_seconds is not None:
            seconds = min(seconds, timeout_seconds)
        deadline = asyncio.get_running_loop().time() + seconds
        return await self.invite_checked(request, scope=scope, deadline=deadline)

    def invite_checked(
        self, request: InviteRequest, *, scope: str, deadline: float
    ) -> Coroutine[Any, Any, InviteResult]:
        """As `invite`, for input that was checked; `deadline` is on the event loop's clock."""
        key = request.idempotency_key
        if key is not None:
            return self._keyed.invite(request, key, scope=scope, deadline=deadline)
        return self._invite_once(request, deadline)

    async def recall(self, request: InviteRequest, *, scope: str) -> InviteResult | None:
        """What an earlier request with the same key came to; None if it invited nobody."""
        key = request.idempotency_key
        return None if key is None else await self._keyed.recall(request, key, scope=scope)

    async def drain(self) -> None:
        """Wait until every invite with a key that was begun has come to its end."""
        await self._keyed.drain()

    async def _invite_once(self, request: InviteRequest, deadline: float) -> InviteResult:
        if not self._admission.try_enter():
            seconds_left = deadline - asyncio.get_running_loop().time()
            try:
                await self._admission.enter(max_wait_seconds=seconds_left)
            except OverloadedError as error:
                return overloaded(error.retry_after_seconds)
        try:
            sent = await self._sender.send(request, deadline=deadline)
        finally:
            self._admission.leave()
        return result_of(sent.exchange, sent.judgement, request)
