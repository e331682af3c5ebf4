"""Why a read failed, with the error codes of invites.

Statuses mean the same as for an invite; but a read changes nothing, so it may always be repeated,
and there is no outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from gateway.invites.models import InputIssue, InviteErrorCode
from gateway.invites.outcomes import Clock, Judgement, judge
from gateway.upstream.bounds import LARGEST_BODY
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply

_CODES: Final[Mapping[InviteErrorCode, InviteErrorCode]] = {
    InviteErrorCode.ALREADY_INVITED: InviteErrorCode.UPSTREAM_FAULT,
    InviteErrorCode.INVITE_QUOTA_EXHAUSTED: InviteErrorCode.UPSTREAM_UNAUTHORIZED,
}
# Not 500, which the same request may cause again.
_TRIED_AGAIN: Final = frozenset(
    {
        HTTPStatus.OK,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_CONNECTION_FAULTS: Final = frozenset(
    {Fault.CONNECT, Fault.CONNECT_TIMEOUT, Fault.READ, Fault.PROTOCOL}
)
_MESSAGES: Final[Mapping[InviteErrorCode, str]] = {
    InviteErrorCode.INVALID_INPUT: "The recruiting platform refused this request.",
    InviteErrorCode.TRACK_NOT_FOUND: "There is no track with this id.",
    InviteErrorCode.RATE_LIMITED: "These are too many requests at the moment; try again later.",
    InviteErrorCode.UPSTREAM_UNAUTHORIZED: (
        "The recruiting platform does not accept this service's access."
        " The operator must look into it."
    ),
    InviteErrorCode.UPSTREAM_UNAVAILABLE: "The recruiting platform could not be reached.",
    InviteErrorCode.UPSTREAM_TIMEOUT: "The recruiting platform did not answer in time.",
    InviteErrorCode.UPSTREAM_FAULT: (
        "The recruiting platform failed, or its answer could not be read."
    ),
}


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """Why a read failed; `message` is safe to show to a person."""

    code: InviteErrorCode
    message: str
    retryable: bool
    issues: tuple[InputIssue, ...] = ()
    retry_after_seconds: int | None = None
    upstream_status: int | None = None


def judge_read(exchange: Exchange, *, now: Clock) -> Judgement:
    """The judgement of a failed read; `retryable` means that another one may succeed."""
    judgement = judge(exchange, now=now)
    judgement = replace(judgement, code=_CODES.get(judgement.code, judgement.code))
    return replace(judgement, retryable=_may_succeed(exchange, judgement))


def is_tried_again(exchange: Exchange, judgement: Judgement) -> bool:
    """Whether the gateway itself makes another attempt."""
    match exchange:
        case NoReply(fault):
            return judgement.retryable and fault in _CONNECTION_FAULTS
        case Reply(status):
            return judgement.retryable and status in _TRIED_AGAIN


def failure_of(judgement: Judgement) -> ReadFailure:
    return ReadFailure(
        judgement.code,
        _MESSAGES[judgement.code],
        judgement.retryable,
        retry_after_seconds=judgement.retry_after_seconds,
        upstream_status=judgement.status,
    )


def refusal_of(issues: tuple[InputIssue, ...]) -> ReadFailure:
    """The failure for invalid arguments; nothing was sent."""
    return ReadFailure(
        InviteErrorCode.INVALID_INPUT,
        "The arguments are not valid; correct them and ask again.",
        retryable=False,
        issues=issues,
    )


def overloaded(retry_after_seconds: int) -> ReadFailure:
    return ReadFailure(
        InviteErrorCode.UPSTREAM_UNAVAILABLE,
        "There is too much to do at the moment; try again later.",
        retryable=True,
        retry_after_seconds=retry_after_seconds,
    )


def _may_succeed(exchange: Exchange, judgement: Judgement) -> bool:
    match judgement.code, exchange:
        case InviteErrorCode.UPSTREAM_TIMEOUT, _:
            return True
        case InviteErrorCode.UPSTREAM_FAULT, Reply(status, body, body_complete):
            cut = not body_complete and len(body) < LARGEST_BODY
            return status >= HTTPStatus.INTERNAL_SERVER_ERROR or (cut and status == HTTPStatus.OK)
        case InviteErrorCode.UPSTREAM_FAULT, _:
            return True
    return judgement.retryable
