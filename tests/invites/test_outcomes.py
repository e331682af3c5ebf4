"""The outcome table, row by row: what each way an upstream call can end proves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invites.models import InviteErrorCode as Code
from gateway.invites.models import InviteOutcome
from gateway.invites.outcomes import FAULTS, Judgement, Verdict, judge, retry_after_seconds
from gateway.upstream.wire import Fault, NoReply, Reply

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def judged(status: int, body: bytes = b"", **facts) -> Judgement:
    return judge(Reply(status, body, **facts), now=lambda: NOW)


STATUS_ROWS = [
    (200, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (201, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (202, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (204, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (299, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (300, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (301, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (302, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (307, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (308, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (400, Verdict.REFUSED, Code.INVALID_INPUT, False),
    (401, Verdict.REFUSED, Code.UPSTREAM_UNAUTHORIZED, False),
    (402, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (403, Verdict.REFUSED, Code.UPSTREAM_UNAUTHORIZED, False),
    (404, Verdict.REFUSED, Code.TRACK_NOT_FOUND, False),
    (405, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (406, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (408, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (409, Verdict.REFUSED, Code.ALREADY_INVITED, False),
    (413, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (415, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (418, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (422, Verdict.REFUSED, Code.INVALID_INPUT, False),
    (429, Verdict.NOT_PROCESSED, Code.RATE_LIMITED, True),
    (431, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (410, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (411, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (414, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (417, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (421, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (425, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (426, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (428, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (451, Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE, False),
    (499, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (500, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (502, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (503, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (504, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (101, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (600, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (999, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
]


@pytest.mark.parametrize(("status", "verdict", "code", "retryable"), STATUS_ROWS)
def test_status_rows(status, verdict, code, retryable):
    """The status decides, whatever the body says."""
    for body in (b"", b"<html>", b'{"application_id": 1}', b'{"error": "limit_exceeded"}'):
        assert judged(status, body) == Judgement(verdict, code, retryable, status, None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "Invites Exhausted. Please contact support.", "error": "limit_exceed"}',
        b'{"error": "limit_exceed"}',
    ],
)
def test_a_403_may_be_about_the_quota(body):
    """`limit_exceed` tells an empty account from a refused key."""
    judgement = judged(403, body)

    assert judgement.code is Code.INVITE_QUOTA_EXHAUSTED
    assert judgement.verdict is Verdict.REFUSED
    assert not judgement.retryable


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_the_quota_word_means_nothing_elsewhere(status):
    """Only a 403 speaks of the quota."""
    assert judged(status, b'{"error": "limit_exceed"}').code is not Code.INVITE_QUOTA_EXHAUSTED


@pytest.mark.parametrize("fault", Fault)
def test_nothing_sent_is_nothing_sent(fault):
    """Before the first byte every fault proves the same, and only a bad certificate lasts."""
    judgement = judge(NoReply(fault, possibly_sent=False), now=lambda: NOW)

    assert judgement.verdict is Verdict.NOT_SENT
    assert judgement.code is Code.UPSTREAM_UNAVAILABLE
    assert judgement.retryable is (fault is not Fault.CERTIFICATE)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.CONNECT, Code.UPSTREAM_FAULT),
        (Fault.CERTIFICATE, Code.UPSTREAM_FAULT),
        (Fault.CONNECT_TIMEOUT, Code.UPSTREAM_FAULT),
        (Fault.POOL_TIMEOUT, Code.UPSTREAM_FAULT),
        (Fault.WRITE_TIMEOUT, Code.UPSTREAM_TIMEOUT),
        (Fault.READ_TIMEOUT, Code.UPSTREAM_TIMEOUT),
        (Fault.READ, Code.UPSTREAM_FAULT),
        (Fault.PROTOCOL, Code.UPSTREAM_FAULT),
        (Fault.DEADLINE, Code.UPSTREAM_TIMEOUT),
        (Fault.OTHER, Code.UPSTREAM_FAULT),
    ],
)
def test_after_the_first_byte_no_fault_proves_anything(fault, code):
    """The probe outweighs the exception's name."""
    judgement = judge(NoReply(fault, possibly_sent=True), now=lambda: NOW)

    assert (judgement.verdict, judgement.code) == (Verdict.UNKNOWN, code)
    assert not judgement.retryable


def test_every_fault_has_a_row():
    """A new fault cannot be forgotten."""
    assert set(FAULTS) == set(Fault)


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Verdict.INVITED, InviteOutcome.INVITED),
        (Verdict.REFUSED, InviteOutcome.NOT_INVITED),
        (Verdict.NOT_SENT, InviteOutcome.NOT_INVITED),
        (Verdict.NOT_PROCESSED, InviteOutcome.NOT_INVITED),
        (Verdict.UNKNOWN, InviteOutcome.UNKNOWN),
    ],
)
def test_outcome_of_each_verdict(verdict, outcome):
    """What the caller is told of the invite."""
    assert verdict.outcome is outcome


@pytest.mark.parametrize("complete", [True, False])
def test_a_cut_body_does_not_change_the_verdict(complete):
    """The status has arrived, and with it the proof."""
    assert judged(200, b'{"appl', body_complete=complete).verdict is Verdict.INVITED
    assert judged(400, b'{"err', body_complete=complete).verdict is Verdict.REFUSED


DATE = "Mon, 23 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        (None, None, None),
        ("", None, None),
        ("0", None, 0),
        ("2", None, 2),
        (" 7 ", None, 7),
        ("0007", None, 7),
        ("3600", None, 3600),
        ("3601", None, 3600),
        ("9" * 5000, None, 3600),
        ("-1", None, None),
        ("1.5", None, None),
        ("٣", None, None),
        ("soon", None, None),
        ("2 seconds", None, None),
        ("Mon, 23 Nov 2026 12:00:05 GMT", DATE, 5),
        ("Mon, 23 Nov 2026 12:00:05 GMT", None, 5),
        ("Mon, 23 Nov 2026 12:00:05 GMT", "Mon, 23 Nov 2026 12:00:01 GMT", 4),
        ("Mon, 23 Nov 2026 12:00:05 GMT", "nonsense", 5),
        ("Mon, 23 Nov 2026 11:59:59 GMT", DATE, None),
        ("Monday, 23-Nov-26 12:00:05 GMT", DATE, 5),
        ("Mon Nov 23 12:00:05 2026", DATE, 5),
        ("Mon, 23 Nov 2099 12:00:00 GMT", DATE, 3600),
        ("Mon, 99 Nov 2026 12:00:05 GMT", DATE, None),
        ("Mon, 23 Nov 99999 12:00:05 GMT", DATE, None),
    ],
)
def test_retry_after_in_both_forms(text, date, seconds):
    """Seconds or a date by the reply's own clock; nonsense and the past are ignored."""
    assert retry_after_seconds(Reply(429, retry_after=text, date=date), now=lambda: NOW) == seconds


@given(st.text(), st.none() | st.text())
def test_no_header_raises(text, date):
    """Whatever the headers say, a number in bounds or nothing comes out."""
    seconds = retry_after_seconds(Reply(503, retry_after=text, date=date), now=lambda: NOW)

    assert seconds is None or 0 <= seconds <= 3600


@given(st.integers(100, 999), st.binary())
def test_not_invited_is_only_said_of_refusals(status, body):
    """No status but a refusal lets the gateway say that nothing happened."""
    judgement = judged(status, body)

    if judgement.verdict.outcome is InviteOutcome.NOT_INVITED:
        assert 300 <= status < 500
    if status in range(200, 300):
        assert judgement.verdict is Verdict.INVITED
