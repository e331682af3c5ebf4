"""Answers as records keep them, and the answers that a key itself brings about.

Name and address are left out: the input, which a replay has to repeat exactly, stands in.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from gateway.invites.idempotency import State
from gateway.invites.models import (
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.upstream.wire import Applicant

# What the upstream says of the request itself. Refusals for another reason, such as the
# gateway's own access or an account without invites, may be gone by the next request and are
# not worth keeping.
FINAL_REFUSALS = frozenset(
    {
        InviteErrorCode.INVALID_INPUT,
        InviteErrorCode.TRACK_NOT_FOUND,
        InviteErrorCode.ALREADY_INVITED,
    }
)
_REPEAT_SAFELY = (
    "It is not known whether the candidate has been invited. It is safe to repeat this request"
    " with the same idempotency key."
)


def state_after(
    result: InviteResult, *, final_refusals: Collection[InviteErrorCode] = FINAL_REFUSALS
) -> State:
    """Where an attempt that ended in `result` leaves its record."""
    if isinstance(result, InviteSuccess) or result.outcome is InviteOutcome.INVITED:
        return State.INVITED
    if result.outcome is InviteOutcome.UNKNOWN:
        return State.UNKNOWN
    return State.REFUSED if result.code in final_refusals else State.RELEASED


def pack(result: InviteResult) -> bytes:
    """The JSON of what a replay cannot take from its input."""
    if isinstance(result, InviteSuccess):
        return packed_invite(
            application_id=result.invite.application_id,
            invite_link=result.invite.invite_link,
            invite_status=result.invite.invite_status,
            track_id=result.invite.track_id,
        )
    return orjson.dumps(
        {
            "code": result.code.value,
            "message": result.message,
            "outcome": result.outcome.value,
            "retryable": result.retryable,
            "track_id": result.track_id,
            "retry_after_seconds": result.retry_after_seconds,
            "upstream_status": result.upstream_status,
        }
    )


def packed_invite(
    *, application_id: str, invite_link: str | None, invite_status: str | None, track_id: str
) -> bytes:
    return orjson.dumps(
        {
            "application_id": application_id,
            "invite_link": invite_link,
            "invite_status": invite_status,
            "track_id": track_id,
        }
    )


def packed_applicant(applicant: Applicant, *, track_id: int) -> bytes:
    """The answer for an invite that is known from the upstream's list alone."""
    return packed_invite(
        application_id=applicant.application_id,
        invite_link=None,
        invite_status=None,
        track_id=str(track_id),
    )


def application_id_in(answer: bytes | None) -> str | None:
    """The application that a packed answer tells of, if it does."""
    packed: dict[str, Any] = orjson.loads(answer or b"{}")
    return packed.get("application_id")


def unpack(answer: bytes, request: InviteRequest) -> InviteResult:
    """The answer to `request`, which is the one that `answer` was packed for, or its repetition."""
    packed: dict[str, Any] = orjson.loads(answer)
    if "code" not in packed:
        invite = Invite(email=request.candidate_email, name=request.candidate_name, **packed)
        return InviteSuccess(invite, replayed=True)
    return InviteFailure(
        **{
            **packed,
            "code": InviteErrorCode(packed["code"]),
            "outcome": InviteOutcome(packed["outcome"]),
        }
    )


def keyed(result: InviteResult) -> InviteResult:
    """`result` for a caller with a key, who may repeat the request while its end is unknown."""
    if isinstance(result, InviteSuccess) or result.outcome is not InviteOutcome.UNKNOWN:
        return result
    return replace(result, retryable=True, message=_REPEAT_SAFELY)


def interrupted(track_id: int) -> InviteFailure:
    """The answer where an earlier attempt left no trace of its end."""
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
        message="There is too much to do at the moment. Nobody was invited; try again later.",
        outcome=InviteOutcome.NOT_INVITED,
        retryable=True,
        retry_after_seconds=retry_after_seconds,
    )


def held_back(turned_away: InviteFailure, *, retry_after_seconds: int) -> InviteFailure:
    """The answer where others were turned away, and the time was up before this one's turn."""
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
            "The recruiting platform is limiting requests, so this invite was not sent. Nobody"
            " was invited; try again later."
        ),
        outcome=InviteOutcome.NOT_INVITED,
        retryable=True,
        retry_after_seconds=retry_after_seconds,
    )


def never_sent() -> InviteFailure:
    """The answer where the time was up before it was this candidate's turn."""
    return InviteFailure(
        code=InviteErrorCode.UPSTREAM_UNAVAILABLE,
        message=(
            "The time was up before this invite could be sent. Nobody was invited; send it again."
        ),
        outcome=InviteOutcome.NOT_INVITED,
        retryable=True,
    )


def stumbled(*, retryable: bool) -> InviteFailure:
    """The answer where the gateway itself failed and cannot tell how far it had come."""
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
    """The answer where the store fails before anything is sent.

    `outcome` is UNKNOWN where not even earlier requests with the key can be looked up.
    """
    told = "Nobody was invited" if outcome is InviteOutcome.NOT_INVITED else "Nothing was sent now"
    return InviteFailure(
        code=InviteErrorCode.UPSTREAM_UNAVAILABLE,
        message=(
            f"The invite could not be recorded, so it was not sent. {told};"
            " repeat the request with the same idempotency key."
        ),
        outcome=outcome,
        retryable=True,
    )
