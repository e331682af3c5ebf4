"""The core's results as types of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from strawberry import ID
from strawberry.utils.str_converters import to_camel_case

from gateway.graphql import types
from gateway.graphql.pieces import InPieces
from gateway.invites.models import (
    InputIssue,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteResult,
    InviteSuccess,
)

ERROR_TYPES: Final[Mapping[InviteErrorCode, type[types.InviteError]]] = {
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
"""The member of the union that tells of each code."""
_DETAILS: Final[Mapping[str, Callable[[InviteFailure], object]]] = {
    "issues": lambda failure: [issue_to_graphql(issue) for issue in failure.issues],
    "track_id": lambda failure: ID(failure.track_id or ""),
    "retry_after_seconds": lambda failure: failure.retry_after_seconds,
    "upstream_status": lambda failure: failure.upstream_status,
}
_KINDS: Final[Mapping[InviteErrorCode, tuple[Callable[..., Any], tuple[str, ...]]]] = {
    code: (kind, tuple(f.name for f in fields(kind) if f.name in _DETAILS))
    for code, kind in ERROR_TYPES.items()
}


def to_graphql(result: InviteResult) -> types.InviteCandidateResult:
    """The result as a member of the union."""
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


def list_to_graphql(results: Sequence[InviteResult]) -> types.InviteCandidatesPayload:
    """The results in order as members of the union, with a count of each outcome."""
    return counted(results, InPieces(map(to_graphql, results)))


def counted(results: Sequence[InviteResult], shown: list[Any]) -> types.InviteCandidatesPayload:
    """The results as they are `shown`, with a count of each outcome."""
    # Not a Counter: the hash of an enum's member is computed in Python each time.
    outcomes = [_outcome(result) for result in results]
    return types.InviteCandidatesPayload(
        results=shown,
        invited_count=outcomes.count(InviteOutcome.INVITED),
        not_invited_count=outcomes.count(InviteOutcome.NOT_INVITED),
        failed_count=outcomes.count(InviteOutcome.NOT_INVITED),
        unknown_count=outcomes.count(InviteOutcome.UNKNOWN),
    )


def _outcome(result: InviteResult) -> InviteOutcome:
    return InviteOutcome.INVITED if isinstance(result, InviteSuccess) else result.outcome


def _error(failure: InviteFailure) -> types.InviteCandidateResult:
    kind, details = _KINDS[failure.code]
    error: types.InviteCandidateResult = kind(
        code=failure.code,
        message=failure.message,
        outcome=failure.outcome,
        retryable=failure.retryable,
        **{name: _DETAILS[name](failure) for name in details},
    )
    return error


def issue_to_graphql(issue: InputIssue) -> types.InputIssue:
    return types.InputIssue(field=to_camel_case(issue.field), message=issue.message)
