"""The core's results as types of the schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, assert_never

from strawberry import ID

from gateway.graphql import types
from gateway.invites.models import (
    InputIssue,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteResult,
    InviteSuccess,
)

_FIELD_NAMES = {
    "candidate_name": "candidateName",
    "candidate_email": "candidateEmail",
    "track_id": "trackId",
    "invite_format": "inviteFormat",
    "idempotency_key": "idempotencyKey",
}


class _Common(TypedDict):
    code: InviteErrorCode
    message: str
    outcome: InviteOutcome
    retryable: bool


def to_graphql(result: InviteResult) -> types.InviteCandidateResult:
    """The member of the union that tells the result."""
    if isinstance(result, InviteSuccess):
        invite = result.invite
        return types.InviteCandidateSuccess(
            invite=types.Invite(
                application_id=ID(invite.application_id),
                email=invite.email,
                invite_link=invite.invite_link,
                invite_status=invite.invite_status,
                name=invite.name,
                track_id=ID(invite.track_id),
            ),
            replayed=result.replayed,
        )
    return _error(result)


def list_to_graphql(
    results: Sequence[InviteResult], *, member: Callable[[InviteResult], Any] = to_graphql
) -> types.InviteCandidatesPayload:
    """The results in their order, each as a `member`, and how many of each outcome there are."""
    outcomes = Counter(_outcome(result) for result in results)
    return types.InviteCandidatesPayload(
        results=[member(result) for result in results],
        invited_count=outcomes[InviteOutcome.INVITED],
        failed_count=outcomes[InviteOutcome.NOT_INVITED],
        unknown_count=outcomes[InviteOutcome.UNKNOWN],
    )


def _outcome(result: InviteResult) -> InviteOutcome:
    return InviteOutcome.INVITED if isinstance(result, InviteSuccess) else result.outcome


def _error(failure: InviteFailure) -> types.InviteCandidateResult:  # noqa: PLR0911 - one a code
    common = _Common(
        code=failure.code,
        message=failure.message,
        outcome=failure.outcome,
        retryable=failure.retryable,
    )
    match failure.code:
        case InviteErrorCode.INVALID_INPUT:
            return types.InvalidInputError(issues=[_issue(i) for i in failure.issues], **common)
        case InviteErrorCode.TRACK_NOT_FOUND:
            return types.TrackNotFoundError(track_id=ID(failure.track_id or ""), **common)
        case InviteErrorCode.ALREADY_INVITED:
            return types.AlreadyInvitedError(**common)
        case InviteErrorCode.INVITE_QUOTA_EXHAUSTED:
            return types.InviteQuotaExhaustedError(**common)
        case InviteErrorCode.IDEMPOTENCY_KEY_REUSED | InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS:
            return types.IdempotencyKeyError(**common)
        case InviteErrorCode.RATE_LIMITED:
            return types.RateLimitedError(retry_after_seconds=failure.retry_after_seconds, **common)
        case InviteErrorCode.UPSTREAM_UNAUTHORIZED:
            return types.UpstreamAuthenticationError(**common)
        case (
            InviteErrorCode.UPSTREAM_UNAVAILABLE
            | InviteErrorCode.UPSTREAM_TIMEOUT
            | InviteErrorCode.UPSTREAM_FAULT
        ):
            return types.UpstreamError(
                upstream_status=failure.upstream_status,
                retry_after_seconds=failure.retry_after_seconds,
                **common,
            )
        case _:
            assert_never(failure.code)


def _issue(issue: InputIssue) -> types.InputIssue:
    return types.InputIssue(field=_FIELD_NAMES[issue.field], message=issue.message)
