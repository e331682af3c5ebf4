"""What each possible end of a call proves about the invite.

A pure table: `judge` takes the facts of an exchange and gives a verdict, the error code and
whether the same request may be sent again. Source: the project's reliability notes, and RFC 9110
for statuses that they do not name.

    status                               | body                      | verdict
    -------------------------------------|---------------------------|--------------------------
    2xx                                  | JSON object with a field  | INVITED
                                         |   that shows an invite    |
    2xx                                  | none, or the beginning of | INVITED
                                         |   an invite's JSON        |
    2xx                                  | denies it, cut short too  | UNKNOWN
    2xx                                  | about another invite      | UNKNOWN
    2xx                                  | HTML, anything else       | UNKNOWN
    307, 308                             | any                       | REFUSED
    other 3xx                            | any                       | UNKNOWN: it may be done
    400, 401, 403, 404, 409, 422         | HTML                      | REFUSED, not by the platform
    401, 403                             | neither empty nor an      | REFUSED, not by the platform
                                         |   error of the platform's |
    404                                  | as with 401, or about the | REFUSED, not by the platform
                                         |   URL; names no track     |
    400, 401, 403, 404, 409, 422         | any other                 | REFUSED
    429                                  | any                       | NOT_PROCESSED
    others that are about a request's form | any                     | REFUSED
    the rest, 5xx among them             | any                       | UNKNOWN
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TypeAlias

from gateway.invites.inputs import comparable_email
from gateway.invites.models import Anomaly, InviteErrorCode, InviteOutcome, InviteRequest
from gateway.upstream.wire import (
    Exchange,
    Fault,
    InviteFields,
    NoReply,
    Reply,
    is_html,
    is_json,
    read_error,
    read_invite,
)

Clock: TypeAlias = Callable[[], datetime]

LONGEST_RETRY_AFTER_SECONDS = 3600
QUOTA_EXHAUSTED = "limit_exceed"


class Verdict(Enum):
    """What one exchange with the platform proves about the invite."""

    INVITED = "invited"
    REFUSED = "refused"
    """The upstream read the request and refused it."""
    NOT_SENT = "not_sent"
    NOT_PROCESSED = "not_processed"
    """The upstream refused the request without processing it."""
    UNKNOWN = "unknown"

    @property
    def outcome(self) -> InviteOutcome:
        return _OUTCOMES[self]


_OUTCOMES = {
    Verdict.INVITED: InviteOutcome.INVITED,
    Verdict.REFUSED: InviteOutcome.NOT_INVITED,
    Verdict.NOT_SENT: InviteOutcome.NOT_INVITED,
    Verdict.NOT_PROCESSED: InviteOutcome.NOT_INVITED,
    Verdict.UNKNOWN: InviteOutcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; `code` names the error if there is no invite to show."""

    verdict: Verdict
    code: InviteErrorCode
    retryable: bool = False
    anomaly: Anomaly | None = None


# Not frozen: see CONTRIBUTING, "The hot path".
@dataclass(slots=True)
class Judgement:
    """A row of the table, with the figures of the exchange that it was applied to.

    `fields` holds the reply's fields of the invite, if the verdict is INVITED.
    """

    verdict: Verdict
    code: InviteErrorCode
    retryable: bool
    status: int | None = None
    retry_after_seconds: int | None = None
    anomaly: Anomaly | None = None
    fields: InviteFields | None = None


_INVITED = Row(Verdict.INVITED, InviteErrorCode.UPSTREAM_FAULT)
_INVITED_ODDLY = replace(_INVITED, anomaly=Anomaly.ODD_LINK)
_MOVED = Row(Verdict.REFUSED, InviteErrorCode.UPSTREAM_UNAVAILABLE, anomaly=Anomaly.REDIRECT)
# 303 is the usual response to a POST that was carried out (RFC 9110, section 15.4.4).
_REDIRECTED = Row(Verdict.UNKNOWN, InviteErrorCode.UPSTREAM_FAULT, anomaly=Anomaly.REDIRECT)
_SUSPECT = {
    anomaly: Row(Verdict.UNKNOWN, InviteErrorCode.UPSTREAM_FAULT, anomaly=anomaly)
    for anomaly in (
        Anomaly.PAGE,
        Anomaly.NO_JSON,
        Anomaly.OTHER_JSON,
        Anomaly.DENIED,
        Anomaly.OTHER_INVITE,
    )
}
# From an intermediary: neither input nor key is at fault, and a later request may succeed.
_IN_BETWEEN = {
    anomaly: Row(
        Verdict.REFUSED, InviteErrorCode.UPSTREAM_UNAVAILABLE, retryable=True, anomaly=anomaly
    )
    for anomaly in (Anomaly.PAGE, Anomaly.NO_JSON, Anomaly.OTHER_JSON)
}
_NO_PROOF = Row(Verdict.UNKNOWN, InviteErrorCode.UPSTREAM_FAULT)
_QUOTA = Row(Verdict.REFUSED, InviteErrorCode.INVITE_QUOTA_EXHAUSTED)
_UNTRUSTED = Row(Verdict.NOT_SENT, InviteErrorCode.UPSTREAM_UNAVAILABLE)
_UNSENT = Row(Verdict.NOT_SENT, InviteErrorCode.UPSTREAM_UNAVAILABLE, retryable=True)
_SENT_IN_VAIN = Row(Verdict.UNKNOWN, InviteErrorCode.UPSTREAM_TIMEOUT)

STATUSES: Mapping[int, Row] = {
    400: Row(Verdict.REFUSED, InviteErrorCode.INVALID_INPUT),
    401: Row(Verdict.REFUSED, InviteErrorCode.UPSTREAM_UNAUTHORIZED),
    403: Row(Verdict.REFUSED, InviteErrorCode.UPSTREAM_UNAUTHORIZED),
    404: Row(Verdict.REFUSED, InviteErrorCode.TRACK_NOT_FOUND),
    409: Row(Verdict.REFUSED, InviteErrorCode.ALREADY_INVITED),
    422: Row(Verdict.REFUSED, InviteErrorCode.INVALID_INPUT),
    429: Row(Verdict.NOT_PROCESSED, InviteErrorCode.RATE_LIMITED, retryable=True),
    # Statuses by which a server refuses a request for its form, not for its content.
    **dict.fromkeys(
        (402, 405, 410, 411, 413, 414, 415, 417, 421, 425, 426, 428, 431, 451),
        Row(Verdict.REFUSED, InviteErrorCode.UPSTREAM_UNAVAILABLE),
    ),
}

_BLAMING: frozenset[int] = frozenset({400, 401, 403, 404, 409, 422})
"""Statuses that prove something only if the platform itself sent them: it sends no HTML."""
_BLAMING_KEY: frozenset[int] = frozenset({401, 403})
_NOT_FOUND = 404
_STAY_PUT = (307, 308)
# What is missing if a 404 is about the URL, and not about the track.
_URL = re.compile(
    r"\b(route|path|handler|endpoint|url|uri|method|resource|page|host|cannot)\b|/", re.IGNORECASE
)
# As a word, not within a path: `No route for /tracks/invite` says nothing about the track.
_TRACK = re.compile(r"(?<![a-z/])tracks?(?:[ _-]?id)?(?![a-z/])", re.IGNORECASE)

# What a fault proves after the first byte was sent; before that, each means "not sent".
FAULTS: Mapping[Fault, Row] = {
    Fault.CONNECT: _NO_PROOF,
    Fault.CERTIFICATE: _NO_PROOF,
    Fault.CONNECT_TIMEOUT: _NO_PROOF,
    Fault.POOL_TIMEOUT: _NO_PROOF,
    Fault.WRITE_TIMEOUT: _SENT_IN_VAIN,
    Fault.READ_TIMEOUT: _SENT_IN_VAIN,
    Fault.READ: _NO_PROOF,
    Fault.PROTOCOL: _NO_PROOF,
    Fault.DEADLINE: _SENT_IN_VAIN,
    Fault.OTHER: _NO_PROOF,
}


def judge(exchange: Exchange, request: InviteRequest | None = None, *, now: Clock) -> Judgement:
    """What the exchange proves about `request`; `now` replaces a missing `Date` of the reply.

    Without a request the call was a read, which changes nothing.
    """
    # Not `match`: class patterns are several times as slow, and every invite comes here.
    if isinstance(exchange, NoReply):
        row = _row_of_fault(exchange.fault, possibly_sent=exchange.possibly_sent)
        return Judgement(row.verdict, row.code, row.retryable)
    row, fields = _INVITED, None
    if exchange.status // 100 != 2:  # noqa: PLR2004 - success
        row = _row_of_reply(exchange, is_read=request is None)
    elif request is not None:
        fields = read_invite(exchange)
        anomaly = _anomaly_of(exchange, fields, request)
        if anomaly is not None:
            row, fields = _SUSPECT[anomaly], None
        elif fields.has_odd_link:
            row = _INVITED_ODDLY
    wait = None
    if exchange.retry_after is not None:
        wait = retry_after_seconds(exchange, now=now)
    return Judgement(
        row.verdict, row.code, row.retryable, exchange.status, wait, row.anomaly, fields
    )


def _row_of_fault(fault: Fault, *, possibly_sent: bool) -> Row:
    if possibly_sent:
        return FAULTS[fault]
    return _UNTRUSTED if fault is Fault.CERTIFICATE else _UNSENT


def _row_of_reply(reply: Reply, *, is_read: bool) -> Row:
    if reply.status // 100 == 3:  # noqa: PLR2004 - redirection
        return _MOVED if is_read or reply.status in _STAY_PUT else _REDIRECTED
    if reply.status in _BLAMING and is_html(reply):
        return _IN_BETWEEN[Anomaly.PAGE]
    if reply.status == 403 and read_error(reply).error_code == QUOTA_EXHAUSTED:  # noqa: PLR2004 - Forbidden
        return _QUOTA
    if (reply.status in _BLAMING_KEY and not _may_blame_key(reply)) or (
        reply.status == _NOT_FOUND and not _says_what_is_missing(reply, is_read=is_read)
    ):
        return _IN_BETWEEN[Anomaly.OTHER_JSON if is_json(reply) else Anomaly.NO_JSON]
    return STATUSES.get(reply.status, _NO_PROOF)


def _may_blame_key(reply: Reply) -> bool:
    """Whether a 401 or 403 may be the platform's: API gateways in front of it send them too."""
    return not reply.body.strip() or read_error(reply).is_platforms


def _says_what_is_missing(reply: Reply, *, is_read: bool) -> bool:
    """Whether a 404 is about the track, or what is read, and not about the URL.

    It is final for an invite, so there the platform's form is not enough: it must not be about
    the URL either.
    """
    if not reply.body.strip():
        return not is_read
    error = read_error(reply)
    said = f"{error.message or ''} {error.error_code or ''}"
    if _TRACK.search(said) is not None:
        return True
    return error.is_platforms and (is_read or _URL.search(said) is None)


def _anomaly_of(reply: Reply, fields: InviteFields, request: InviteRequest) -> Anomaly | None:
    """What is wrong with a reply that has a success status."""
    if fields.denied:
        return Anomaly.DENIED
    if not (fields.shows_invite and reply.body_complete) and is_html(reply):
        return Anomaly.PAGE
    if not fields.is_object:
        return _anomaly_without_object(reply)
    if not _is_about(fields, request):
        return Anomaly.OTHER_INVITE
    return None if fields.shows_invite else Anomaly.OTHER_JSON


def _anomaly_without_object(reply: Reply) -> Anomaly | None:
    """What is wrong if the body is no JSON object; nothing if there is no body."""
    if not reply.body.strip():
        return None
    return Anomaly.OTHER_JSON if is_json(reply) else Anomaly.NO_JSON


def _is_about(fields: InviteFields, request: InviteRequest) -> bool:
    """Whether the reply is about the requested invite; fields that it leaves out do not count."""
    if fields.track_id is not None and fields.track_id != str(request.track_id):
        return False
    email = fields.email
    if email is None or email == request.candidate_email:
        return True
    if comparable_email(email) == comparable_email(request.candidate_email):
        return True
    name = fields.name
    return name is not None and name.strip().casefold() == request.candidate_name.casefold()


def retry_after_seconds(reply: Reply, *, now: Clock) -> int | None:
    """Whole seconds from `Retry-After`, 0 to 3600; None if it is absent or invalid.

    Both forms of RFC 9110, section 10.2.3; a date is relative to the reply's `Date`.
    """
    text = (reply.retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        digits = text.lstrip("0") or "0"
        # Ten digits are enough to exceed the limit, and int() refuses very long numbers.
        return min(int(digits[:10]), LONGEST_RETRY_AFTER_SECONDS)
    until = _http_date(text)
    if until is None:
        return None
    seconds = math.ceil((until - (_http_date(reply.date) or now())).total_seconds())
    return min(seconds, LONGEST_RETRY_AFTER_SECONDS) if seconds >= 0 else None


def _http_date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
