"""The invites of a list are seen one by one, as if each had come alone."""

from __future__ import annotations

from gateway.invites.inputs import InviteDraft
from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteFormat,
    InviteOutcome,
    InviteResult,
    Origin,
)
from gateway.telemetry.observed import ObservedBulk

FAILURE = InviteFailure(
    InviteErrorCode.TRACK_NOT_FOUND, "No.", InviteOutcome.NOT_INVITED, retryable=False
)


class FakeBulk:
    async def invite_all(self, drafts: list[InviteDraft], *_: object) -> list[InviteResult]:
        return [FAILURE for _ in drafts]


async def test_each_of_a_list_is_seen():
    """Whoever watches is told of every candidate, with the caller's scope."""
    seen: list[tuple[object, ...]] = []
    bulk = ObservedBulk(FakeBulk(), [lambda *what: seen.append(what)])  # type: ignore[arg-type]
    drafts = [InviteDraft("Ada", f"{n}@example.com", "1", InviteFormat.GET_LINK) for n in range(2)]

    results = await bulk.invite_all(drafts, Origin("me"))

    assert results == [FAILURE, FAILURE]
    assert seen == [(draft, FAILURE, None, "me") for draft in drafts]
