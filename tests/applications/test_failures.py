"""What a read that tells nothing means: the table, row by row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from gateway.applications.failures import failure_of, is_tried_again, judge_read
from gateway.invites.models import InviteErrorCode
from gateway.upstream.bounds import LARGEST_BODY
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply
from tests.fakes.codes import FAULT, INVALID, LIMITED, NOT_FOUND, TIMEOUT, UNAUTHORIZED, UNAVAILABLE

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Row(NamedTuple):
    """What came, the code, whether the caller may try again, and whether the gateway does."""

    came: Exchange
    code: InviteErrorCode
    retryable: bool
    tried_again: bool


def unsent(fault: Fault) -> NoReply:
    return NoReply(fault, possibly_sent=False)


def sent(fault: Fault) -> NoReply:
    return NoReply(fault, possibly_sent=True)


ROWS = {
    "unreadable": Row(Reply(200, b"<html>"), FAULT, False, False),
    "unreadable 201": Row(Reply(201), FAULT, False, False),
    "cut": Row(Reply(200, b"{", body_complete=False), FAULT, True, True),
    "too long": Row(Reply(200, b" " * LARGEST_BODY, body_complete=False), FAULT, False, False),
    "302": Row(Reply(302), UNAVAILABLE, False, False),
    "400": Row(Reply(400), INVALID, False, False),
    "401": Row(Reply(401), UNAUTHORIZED, False, False),
    "403": Row(Reply(403), UNAUTHORIZED, False, False),
    "403 of the quota": Row(
        Reply(403, b'{"message": "no", "error": "limit_exceed"}'), UNAUTHORIZED, False, False
    ),
    "404": Row(Reply(404, b'{"error": "Not found"}'), NOT_FOUND, False, False),
    "404 without words": Row(Reply(404), UNAVAILABLE, True, False),
    "404 of an API gateway": Row(Reply(404, b'{"message": "Not Found"}'), UNAVAILABLE, True, False),
    "403 of an API gateway": Row(Reply(403, b'{"message": "Forbidden"}'), UNAVAILABLE, True, False),
    "405": Row(Reply(405), UNAVAILABLE, False, False),
    "409": Row(Reply(409), FAULT, False, False),
    "418": Row(Reply(418), FAULT, False, False),
    "422": Row(Reply(422), INVALID, False, False),
    "429": Row(Reply(429), LIMITED, True, True),
    "500": Row(Reply(500), FAULT, True, False),
    "502": Row(Reply(502), FAULT, True, True),
    "503": Row(Reply(503), FAULT, True, True),
    "504": Row(Reply(504), FAULT, True, True),
    "520": Row(Reply(520), FAULT, True, False),
    "refused": Row(unsent(Fault.CONNECT), UNAVAILABLE, True, True),
    "connect timeout": Row(unsent(Fault.CONNECT_TIMEOUT), UNAVAILABLE, True, True),
    "no connection free": Row(unsent(Fault.POOL_TIMEOUT), UNAVAILABLE, True, False),
    "time up before": Row(unsent(Fault.DEADLINE), UNAVAILABLE, True, False),
    "certificate": Row(unsent(Fault.CERTIFICATE), UNAVAILABLE, False, False),
    "reset": Row(sent(Fault.READ), FAULT, True, True),
    "closed": Row(sent(Fault.PROTOCOL), FAULT, True, True),
    "time up after": Row(sent(Fault.DEADLINE), TIMEOUT, True, False),
    "read timeout": Row(sent(Fault.READ_TIMEOUT), TIMEOUT, True, False),
    "write timeout": Row(sent(Fault.WRITE_TIMEOUT), TIMEOUT, True, False),
    "something else": Row(sent(Fault.OTHER), FAULT, True, False),
}


@pytest.mark.parametrize("name", ROWS)
def test_each_end_has_its_row(name):
    """A read does nothing, so whatever may pass may be tried again."""
    row = ROWS[name]
    judgement = judge_read(row.came, now=lambda: NOW)

    told = Row(row.came, judgement.code, judgement.retryable, is_tried_again(row.came, judgement))
    assert told == row


@pytest.mark.parametrize("name", ROWS)
def test_no_message_speaks_of_invites(name):
    """Nothing was to be invited, and nobody was."""
    failure = failure_of(judge_read(ROWS[name].came, now=lambda: NOW))

    assert failure.message
    assert "invite" not in failure.message.lower()


def test_numbers_are_passed_on():
    """The status, and how long the upstream asks to wait."""
    failure = failure_of(judge_read(Reply(503, retry_after="7"), now=lambda: NOW))

    assert (failure.upstream_status, failure.retry_after_seconds) == (503, 7)
