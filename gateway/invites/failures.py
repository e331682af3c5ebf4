"""Failures that come from a key, a limit or a bug, not from a reply of the upstream."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteResult,
    InviteSuccess,
)

_REPEAT_SAFELY = (
    "It is not known whether the candidate has been invited. It is safe to repeat this request"
    " with the same idempotency key."
)


_MAYBE = (
    "It is not known whether the candidate has been invited, and repeating this request does not"
    " tell: check before inviting again."
)


def keyed(result: InviteResult, *, may_change: bool) -> InviteResult:
    """`result` for a caller with a key: retryable if a repetition may settle the outcome."""
    if isinstance(result, InviteSuccess) or result.outcome is not InviteOutcome.UNKNOWN:
        return result
    return replace(result, retryable=may_change, message=_REPEAT_SAFELY if may_change else _MAYBE)


def interrupted(track_id: int) -> InviteFailure:
    """The result if an earlier attempt did not record how it ended."""
    return InviteFailure(
        code=InviteErrorCode.UPSTREAM_FAULT,
        message=_REPEAT_SAFELY,
        outcome=InviteOutcome.UNKNOWN,
        retryable=True,
        track_id=str(track_id),
    )


def key_reused() -> InviteFailure:
    return InviteFailure(
        code=InviteErrorCode.IDEMPOTENCY_KEY_REUSED,
        message=(
            "This idempotency key was used before with other input. Nothing was sent now;"
            " use a new key for a new invite."
        ),
        outcome=InviteOutcome.NOT_INVITED,
        retryable=False,
    )


def in_progress() -> InviteFailure:
    return InviteFailure(
        code=InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
        message=(
            "A request with this idempotency key is still on its way. Repeat the request with"
            " the same key to learn how it ended."
        ),
        outcome=InviteOutcome.UNKNOWN,
        retryable=True,
    )


def overloaded(retry_after_seconds: int) -> InviteFailure:
    return InviteFailure(
        code=InviteErrorCode.UPSTREAM_UNAVAILABLE,
        message=(
            "There is too much to do at the moment. The candidate was not invited; try again later."
        ),
        outcome=InviteOutcome.NOT_INVITED,
        retryable=True,
        retry_after_seconds=retry_after_seconds,
    )


def held_back(turned_away: InviteFailure, *, retry_after_seconds: int) -> InviteFailure:
    """The result if others were refused, and the time ran out before this one's turn."""
    if turned_away.upstream_status != HTTPStatus.TOO_MANY_REQUESTS:
        return replace(
            turned_away,
            track_id=None,
            retry_after_seconds=retry_after_seconds,
            upstream_status=None,
        )
    return InviteFailure(
        code=InviteErrorCode.RATE_LIMITED,
        message=(
            "The recruiting platform is limiting requests, so this invite was not sent. The"
            " candidate was not invited; try again later."
        ),
        outcome=InviteOutcome.NOT_INVITED,
        retryable=True,
        retry_after_seconds=retry_after_seconds,
    )


def never_sent() -> InviteFailure:
    """The result if the time ran out before this candidate's turn."""
    return InviteFailure(
        code=InviteErrorCode.UPSTREAM_UNAVAILABLE,
        message=(
            "The time was up before this invite could be sent. The candidate was not invited;"
            " send it again."
        ),
        outcome=InviteOutcome.NOT_INVITED,
        retryable=True,
    )


def stumbled(*, retryable: bool) -> InviteFailure:
    """The result if the gateway itself failed at an unknown point."""
    return InviteFailure(
        code=InviteErrorCode.UPSTREAM_FAULT,
        message=(
            "Something went wrong in this service. The candidate may have been invited:"
            " check before inviting again."
        ),
        outcome=InviteOutcome.UNKNOWN,
        retryable=retryable,
    )


def not_recorded(outcome: InviteOutcome) -> InviteFailure:
    """The result if the store fails before anything is sent.

    `outcome` is UNKNOWN if earlier requests with the key cannot be looked up either.
    """
    is_proved = outcome is InviteOutcome.NOT_INVITED
    certain = "The candidate was not invited" if is_proved else "Nothing was sent now"
    return InviteFailure(
        code=InviteErrorCode.UPSTREAM_UNAVAILABLE,
        message=(
            f"The invite could not be recorded, so it was not sent. {certain};"
            " repeat the request with the same idempotency key."
        ),
        outcome=outcome,
        retryable=True,
    )
