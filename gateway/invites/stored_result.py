"""Results as records keep them.

Name and address are left out: a replay takes them from its input, which has to be the same. Where
the platform spelled them differently, its spelling is kept, encrypted with the address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from gateway.invites.models import (
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
)
from gateway.invites.record import State

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.upstream.wire import Applicant


# Refusals of the request itself. Refusals for other reasons, such as the gateway's own access or
# an account without invites left, may not apply to the next request and are not stored.
FINAL_REFUSALS = frozenset(
    {
        InviteErrorCode.INVALID_INPUT,
        InviteErrorCode.TRACK_NOT_FOUND,
        InviteErrorCode.ALREADY_INVITED,
    }
)


def state_after(
    result: InviteResult, *, final_refusals: Collection[InviteErrorCode] = FINAL_REFUSALS
) -> State:
    """The state of the record after an attempt that ended in `result`."""
    if isinstance(result, InviteSuccess) or result.outcome is InviteOutcome.INVITED:
        return State.INVITED
    if result.outcome is InviteOutcome.UNKNOWN:
        return State.UNKNOWN
    return State.REFUSED if result.code in final_refusals else State.RELEASED


Scramble: TypeAlias = Callable[[bytes], bytes]
"""Encrypts bytes, and decrypts them again, with the candidate's address."""


def pack(
    result: InviteResult, request: InviteRequest | None = None, scramble: Scramble | None = None
) -> bytes:
    """The result as JSON, without what a replay takes from its input."""
    if isinstance(result, InviteSuccess):
        invite, spelling = result.invite, None
        if request is not None and scramble is not None:
            first = [invite.email, invite.name]
            if first != [request.candidate_email, request.candidate_name]:
                spelling = scramble(orjson.dumps(first)).hex()
        return packed_invite(
            application_id=invite.application_id,
            invite_link=invite.invite_link,
            invite_status=invite.invite_status,
            track_id=invite.track_id,
            spelling=spelling,
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
    *,
    application_id: str,
    invite_link: str | None,
    invite_status: str | None,
    track_id: str,
    spelling: str | None = None,
) -> bytes:
    packed = {
        "application_id": application_id,
        "invite_link": invite_link,
        "invite_status": invite_status,
        "track_id": track_id,
    }
    return orjson.dumps(packed if spelling is None else {**packed, "spelling": spelling})


def packed_applicant(applicant: Applicant, *, track_id: int) -> bytes:
    """The stored result of an invite that was found in the upstream's list."""
    return packed_invite(
        application_id=applicant.application_id,
        invite_link=None,
        invite_status=None,
        track_id=str(track_id),
    )


def application_id_in(answer: bytes | None) -> str | None:
    """The id of the application in a stored result, if it has one."""
    packed: dict[str, Any] = orjson.loads(answer or b"{}")
    return packed.get("application_id")


def unpack(answer: bytes, request: InviteRequest, scramble: Scramble | None = None) -> InviteResult:
    """The stored result for `request`, which must equal the one that it was packed for."""
    packed: dict[str, Any] = orjson.loads(answer)
    if "code" not in packed:
        email, name = request.candidate_email, request.candidate_name
        spelling = packed.pop("spelling", None)
        if spelling is not None and scramble is not None:
            email, name = orjson.loads(scramble(bytes.fromhex(spelling)))
        return InviteSuccess(Invite(email=email, name=name, **packed), replayed=True)
    return InviteFailure(
        **{
            **packed,
            "code": InviteErrorCode(packed["code"]),
            "outcome": InviteOutcome(packed["outcome"]),
        }
    )
