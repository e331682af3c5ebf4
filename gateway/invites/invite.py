"""The use case: one candidate is invited to one track, at most once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from gateway.invites.inputs import InviteDraft, check
from gateway.invites.models import InviteErrorCode, InviteRequest, InviteResult
from gateway.invites.outcomes import Judgement, judge
from gateway.invites.results import refusal_of, result_of
from gateway.upstream.client import Upstream
from gateway.upstream.wire import Exchange, invite_body


class Inviter:
    """Invites candidates through an upstream; one for the life of the process."""

    def __init__(
        self,
        upstream: Upstream,
        *,
        timeout_seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._upstream = upstream
        self._timeout_seconds = timeout_seconds
        self._now = now

    async def invite(self, draft: InviteDraft) -> InviteResult:
        """The invite or a typed failure; whatever the upstream does, nothing is raised."""
        request = check(draft)
        if not isinstance(request, InviteRequest):
            return refusal_of(request)
        exchange, judgement = await self._send(request)
        return result_of(exchange, judgement, request)

    async def _send(self, request: InviteRequest) -> tuple[Exchange, Judgement]:
        body = invite_body(
            candidate_name=request.candidate_name,
            candidate_email=request.candidate_email,
            track_id=request.track_id,
            invite_format=request.invite_format.value,
        )
        exchange, judgement = await self._post(body, request)
        if _is_stale_key(judgement) and self._upstream.reread_api_key():
            return await self._post(body, request)
        return exchange, judgement

    async def _post(self, body: bytes, request: InviteRequest) -> tuple[Exchange, Judgement]:
        exchange = await self._upstream.invite(
            body,
            timeout_seconds=self._timeout_seconds,
            idempotency_key=request.idempotency_key,
        )
        return exchange, judge(exchange, now=self._now())


def _is_stale_key(judgement: Judgement) -> bool:
    return (
        judgement.status == 401  # noqa: PLR2004 - Unauthorized
        and judgement.code is InviteErrorCode.UPSTREAM_UNAUTHORIZED
    )
