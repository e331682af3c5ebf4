"""Every result of the core has its member of the union."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gateway.graphql import types
from gateway.graphql.results import to_graphql
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import (
    InputIssue,
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteSuccess,
)

TYPES = {
    InviteErrorCode.INVALID_INPUT: types.InvalidInputError,
    InviteErrorCode.TRACK_NOT_FOUND: types.TrackNotFoundError,
    InviteErrorCode.ALREADY_INVITED: types.AlreadyInvitedError,
    InviteErrorCode.INVITE_QUOTA_EXHAUSTED: types.InviteQuotaExhaustedError,
    InviteErrorCode.IDEMPOTENCY_KEY_REUSED: types.IdempotencyKeyError,
    InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS: types.IdempotencyKeyError,
    InviteErrorCode.RATE_LIMITED: types.RateLimitedError,
    InviteErrorCode.UPSTREAM_UNAUTHORIZED: types.UpstreamAuthenticationError,
    InviteErrorCode.UPSTREAM_UNAVAILABLE: types.UpstreamError,
    InviteErrorCode.UPSTREAM_TIMEOUT: types.UpstreamError,
    InviteErrorCode.UPSTREAM_FAULT: types.UpstreamError,
}


@pytest.mark.parametrize("code", InviteErrorCode)
@pytest.mark.parametrize("outcome", InviteOutcome)
def test_every_code_has_its_type(code, outcome):
    """What all failures have in common is passed on as it is."""
    result = to_graphql(InviteFailure(code, "Words.", outcome, retryable=True))

    assert isinstance(result, types.InviteError)
    assert type(result) is TYPES[code]
    assert (result.code, result.message, result.outcome, result.retryable) == (
        code,
        "Words.",
        outcome,
        True,
    )


def test_issues_are_named_as_the_client_wrote_them():
    """A form can show each message beside its field."""
    names = [field.name for field in fields(InviteDraft)]
    failure = InviteFailure(
        InviteErrorCode.INVALID_INPUT,
        "",
        InviteOutcome.NOT_INVITED,
        retryable=False,
        issues=tuple(InputIssue(name, "x") for name in names),
    )

    result = to_graphql(failure)

    assert isinstance(result, types.InvalidInputError)
    assert [issue.field for issue in result.issues] == [
        "candidateName",
        "candidateEmail",
        "trackId",
        "inviteFormat",
        "idempotencyKey",
    ]


def test_details_of_failures_are_passed_on():
    """Numbers and ids come through."""
    failure = InviteFailure(
        InviteErrorCode.UPSTREAM_FAULT,
        "",
        InviteOutcome.UNKNOWN,
        retryable=False,
        retry_after_seconds=3,
        upstream_status=503,
    )

    result = to_graphql(failure)

    assert isinstance(result, types.UpstreamError)
    assert (result.upstream_status, result.retry_after_seconds) == (503, 3)


def test_an_invite_is_passed_on():
    """All six fields, and whether they are a replay."""
    invite = Invite("1", "a@example.com", None, "sent", "Ada", "2")

    result = to_graphql(InviteSuccess(invite, replayed=True))

    assert isinstance(result, types.InviteCandidateSuccess)
    assert result.replayed
    assert vars(result.invite) == {
        "application_id": "1",
        "email": "a@example.com",
        "invite_link": None,
        "invite_status": "sent",
        "name": "Ada",
        "track_id": "2",
    }
