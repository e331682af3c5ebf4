"""Results for callers, made from what an exchange proves."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from gateway.invites.models import (
    Anomaly,
    InputIssue,
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
)
from gateway.invites.outcomes import Judgement, Verdict
from gateway.upstream.wire import Exchange, InviteFields, Reply, read_error

LONGEST_MESSAGE = 200
LONGEST_WORD = 20
# Some platforms refuse a second invite with 400.
_CONFLICT = re.compile(r"\b(already|duplicate|exists?)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")

# The upstream's message is passed on only for errors that the caller's input caused.
_CAUSED_BY_INPUT = frozenset({400, 404, 409, 422})

_MESSAGES: Mapping[InviteErrorCode, str] = {
    InviteErrorCode.INVALID_INPUT: "The recruiting platform refused these details.",
    InviteErrorCode.TRACK_NOT_FOUND: "There is no track with this id.",
    InviteErrorCode.ALREADY_INVITED: "This candidate has already been invited to this track.",
    InviteErrorCode.INVITE_QUOTA_EXHAUSTED: (
        "The account has no invites left. The candidate was not invited. Ask your administrator."
    ),
    InviteErrorCode.RATE_LIMITED: (
        "These are too many invites at the moment. The candidate was not invited; try again later."
    ),
    InviteErrorCode.UPSTREAM_UNAUTHORIZED: (
        "The recruiting platform does not accept this service's access. The candidate was"
        " not invited. The operator must look into it."
    ),
    InviteErrorCode.UPSTREAM_UNAVAILABLE: (
        "The recruiting platform could not be reached. The candidate was not invited."
    ),
    InviteErrorCode.UPSTREAM_TIMEOUT: (
        "The recruiting platform did not answer in time. The candidate may have been invited:"
        " check before inviting again."
    ),
    InviteErrorCode.UPSTREAM_FAULT: (
        "The recruiting platform failed. The candidate may have been invited:"
        " check before inviting again."
    ),
}
_TURNED_AWAY = "The recruiting platform turned the request away. The candidate was not invited."
_INVITED_WITHOUT_DETAILS = (
    "The candidate has been invited, but the recruiting platform's answer could not be read."
    " Do not invite again."
)
_MAYBE = "The candidate may have been invited: check before inviting again."
_SUSPECT: Mapping[Anomaly, str] = {
    Anomaly.PAGE: f"A page came back instead of the recruiting platform's answer. {_MAYBE}",
    Anomaly.NO_JSON: f"The recruiting platform's answer could not be read. {_MAYBE}",
    Anomaly.OTHER_JSON: f"The recruiting platform's answer does not show an invite. {_MAYBE}",
    Anomaly.DENIED: f"The recruiting platform's answer contradicts itself. {_MAYBE}",
    Anomaly.OTHER_INVITE: f"The recruiting platform's answer is about another invite. {_MAYBE}",
    Anomaly.REDIRECT: f"The recruiting platform sent the request elsewhere. {_MAYBE}",
}
_IN_BETWEEN = (
    "The recruiting platform, or something in front of it, turned the request away without a"
    " reason that can be read. The candidate was not invited; try again later."
)


def result_of(exchange: Exchange, judgement: Judgement, request: InviteRequest) -> InviteResult:
    """The invite, or a failure with the outcome that is proved."""
    if judgement.fields is not None:
        return _success(judgement.fields, judgement, request)
    return InviteFailure(
        code=judgement.code,
        message=_message(exchange, judgement, request),
        outcome=judgement.verdict.outcome,
        retryable=judgement.retryable,
        track_id=str(request.track_id),
        retry_after_seconds=judgement.retry_after_seconds,
        upstream_status=judgement.status,
        anomaly=judgement.anomaly,
        is_conflict=_is_conflict(exchange, judgement),
    )


def refusal_of(issues: tuple[InputIssue, ...]) -> InviteFailure:
    """The result for invalid input; nothing was sent."""
    return InviteFailure(
        code=InviteErrorCode.INVALID_INPUT,
        message=(
            "The input is not valid. The candidate was not invited; correct it and send it again."
        ),
        outcome=InviteOutcome.NOT_INVITED,
        retryable=False,
        issues=issues,
    )


def _success(fields: InviteFields, judgement: Judgement, request: InviteRequest) -> InviteResult:
    if fields.application_id is None:
        return InviteFailure(
            code=judgement.code,
            message=_INVITED_WITHOUT_DETAILS,
            outcome=InviteOutcome.INVITED,
            retryable=False,
            upstream_status=judgement.status,
        )
    invite = Invite(
        fields.application_id,
        fields.email or request.candidate_email,
        fields.invite_link,
        fields.invite_status,
        fields.name or request.candidate_name,
        fields.track_id or str(request.track_id),
    )
    return InviteSuccess(invite)


def _is_conflict(exchange: Exchange, judgement: Judgement) -> bool:
    if judgement.code is InviteErrorCode.INVALID_INPUT and isinstance(exchange, Reply):
        return _CONFLICT.search(read_error(exchange).message or "") is not None
    return judgement.code is InviteErrorCode.ALREADY_INVITED


def _message(exchange: Exchange, judgement: Judgement, request: InviteRequest) -> str:
    if judgement.anomaly is not None and judgement.verdict is Verdict.UNKNOWN:
        return _SUSPECT[judgement.anomaly]
    if judgement.anomaly in (Anomaly.PAGE, Anomaly.NO_JSON, Anomaly.OTHER_JSON):
        return _IN_BETWEEN
    if isinstance(exchange, Reply):
        if exchange.status in _CAUSED_BY_INPUT:
            message = read_error(exchange).message
            if message is not None and _is_fit_to_pass_on(message, request):
                return message
        if judgement.code is InviteErrorCode.UPSTREAM_UNAVAILABLE:
            return _TURNED_AWAY
    return _MESSAGES[judgement.code]


def _is_fit_to_pass_on(message: str, request: InviteRequest) -> bool:
    """Whether it is a short plain sentence without markup, address, candidate or secret."""
    return (
        len(message) <= LONGEST_MESSAGE
        and message.isprintable()
        and not any(sign in message for sign in ("<", ">", "@", "://"))
        # A longer word may be a key or a token.
        and max(map(len, message.split())) <= LONGEST_WORD
        and _words(message).isdisjoint(_words_of_candidate(request))
    )


def _words_of_candidate(request: InviteRequest) -> set[str]:
    return _words(request.candidate_name) | _words(request.candidate_email.partition("@")[0])


def _words(text: str) -> set[str]:
    """The words of the text in comparable form; initials, which many people share, do not count."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return {word for word in words if len(word) > 1}
