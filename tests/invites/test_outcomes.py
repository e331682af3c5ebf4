"""The outcome table, row by row: what each way an upstream call can end proves."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invites.models import Anomaly, InviteFormat, InviteOutcome, InviteRequest
from gateway.invites.models import InviteErrorCode as Code
from gateway.invites.outcomes import (
    FAULTS,
    Judgement,
    Verdict,
    judge,
    retry_after_seconds,
)
from gateway.upstream.wire import Fault, NoReply, Reply

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
REQUEST = InviteRequest("Ada Lovelace", "ada@example.com", 6578, InviteFormat.GET_LINK)


def judged(status: int, body: bytes = b"", **facts) -> Judgement:
    return judge(Reply(status, body, **facts), REQUEST, now=lambda: NOW)


STATUS_ROWS = [
    (200, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (201, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (202, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (204, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (299, Verdict.INVITED, Code.UPSTREAM_FAULT, False),
    (300, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (301, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (302, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (303, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (304, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (305, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
    (399, Verdict.UNKNOWN, Code.UPSTREAM_FAULT, False),
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
    """Where the body is the platform's and agrees, the status decides."""
    body = b'{"application_id": 1}' if status < 300 else b'{"error": "limit_exceeded"}'
    for said in (b"", body):
        judgement = judged(status, said)

        assert (judgement.verdict, judgement.code) == (verdict, code)
        assert (judgement.retryable, judgement.status) == (retryable, status)
        assert judgement.retry_after_seconds is None


PAGES = {
    "markup": (b"<html><p>Hi</p>", None),
    "announced-as-json": (b" \r\n<!doctype html>", "application/json"),
    "byte-order-mark": (b"\xef\xbb\xbf<html>", None),
    "utf-16": ("<html>".encode("utf-16"), None),
    "announced-text": (b"Access denied", "text/html; charset=utf-8"),
    "announced-and-cut-json": (b'{"application_id": 1', "text/html"),
    "announced-and-empty": (b"", "application/xhtml+xml"),
    "xml": (b'<?xml version="1.0"?><error/>', "application/xml"),
}


@pytest.mark.parametrize(("body", "content_type"), PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_page_proves_no_invite(status, body, content_type):
    """A firewall's or maintenance page with a success status is not the platform's word."""
    judgement = judged(status, body, content_type=content_type)

    assert (judgement.verdict, judgement.code) == (Verdict.UNKNOWN, Code.UPSTREAM_FAULT)
    assert judgement.anomaly is Anomaly.PAGE


@pytest.mark.parametrize(("body", "content_type"), PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_page_blames_nobody(status, body, content_type):
    """What is in between knows nothing of input, key or track, and may be gone next time."""
    judgement = judged(status, body, content_type=content_type)

    assert (judgement.verdict, judgement.code) == (Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE)
    assert (judgement.retryable, judgement.anomaly) == (True, Anomaly.PAGE)


@pytest.mark.parametrize(
    "body", [b"404 page not found\n", b"RBAC: access denied", b'"Not found"', b"\x1f\x8b\x08"]
)
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_text_of_a_proxy_blames_neither_key_nor_track(status, body):
    """The platform answers in JSON, or with nothing."""
    judgement = judged(status, body, content_type="text/plain")

    assert (judgement.verdict, judgement.code) == (Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE)
    assert (judgement.retryable, judgement.anomaly) == (True, Anomaly.NO_JSON)


@pytest.mark.parametrize("status", [200, 404])
def test_json_announced_as_html_is_json(status):
    """Some servers announce everything as HTML."""
    judgement = judged(status, b'{"application_id": 1}', content_type="text/html")

    assert judgement.anomaly is None


def test_text_instead_of_json_proves_no_invite():
    """Only the platform's JSON, or a body that did not arrive, goes with a success."""
    assert judged(200, b"We will be back soon").anomaly is Anomaly.NO_JSON
    assert judged(200, b"{}").anomaly is None
    assert judged(200, b"null").anomaly is None
    assert judged(200, b" \n").anomaly is None


DENIALS = [{"success": False}, {"error": "No"}, {"status": False}, {"invite_status": "failed"}]
AGREEMENTS = [{}, {"success": True}, {"error": None}, {"status": 200}, {"message": "Invited"}]


@pytest.mark.parametrize("said", DENIALS, ids=str)
def test_a_success_that_denies_itself_proves_nothing(said):
    """Whether it happened is open, also if an application is named."""
    for body in (said, {**said, "application_id": 7}):
        judgement = judged(200, json.dumps(body).encode())

        assert (judgement.verdict, judgement.anomaly) == (Verdict.UNKNOWN, Anomaly.DENIED)
        assert judgement.answer is None


@pytest.mark.parametrize("said", DENIALS, ids=str)
def test_a_cut_denial_is_no_success(said):
    """What has arrived of it denies the invite; in a list too."""
    for body in ({**said, "more": ["x"]}, [{**said, "more": ["x"]}]):
        reply = Reply(200, json.dumps(body).encode()[:-4], body_complete=False)

        assert judge(reply, REQUEST, now=lambda: NOW).anomaly is Anomaly.DENIED


@pytest.mark.parametrize("body", [b'"Track not found"', b"false", b"true", b"0", b'""'])
def test_a_bare_json_value_is_not_the_platforms_reply(body):
    """The platform answers with an object."""
    assert judged(200, body).anomaly is Anomaly.NO_JSON


@pytest.mark.parametrize("said", AGREEMENTS, ids=str)
def test_a_success_that_does_not_deny_itself_is_one(said):
    """Fields that say nothing bad do not spoil a success."""
    assert judged(200, json.dumps({**said, "application_id": 7}).encode()).anomaly is None


@pytest.mark.parametrize(
    "said",
    [
        {"track_id": 1},
        {"track_id": "1"},
        {"track_id": 1, "email": "ada@example.com", "name": "Ada Lovelace"},
        {"email": "bob@example.com", "name": "Bob"},
        {"email": "bob@example.com"},
        {"email": "bob@example.com", "name": None},
        {"email": "ada@example.com.evil.org", "track_id": 6578},
    ],
    ids=str,
)
def test_a_reply_about_another_invite_proves_nothing(said):
    """A connection that is out of step answers for somebody else; nothing of it is kept."""
    judgement = judged(200, json.dumps({**said, "application_id": 7}).encode())

    assert (judgement.verdict, judgement.anomaly) == (Verdict.UNKNOWN, Anomaly.OTHER_INVITE)
    assert judgement.answer is None


@pytest.mark.parametrize(
    "said",
    [
        {"track_id": 6578},
        {"track_id": "6578"},
        {"track_id": "no number"},
        {"email": "ADA@Example.COM"},
        {"email": " ada@example.com"},
        {"email": "ada@example.com", "name": "A. L."},
        {"email": "a.lovelace@example.com", "name": "ada LOVELACE "},
        {"name": "Bob"},
    ],
    ids=str,
)
def test_another_spelling_is_the_same_invite(said):
    """The platform may spell an address in its own way, or know the person by another one."""
    assert judged(200, json.dumps({**said, "application_id": 7}).encode()).anomaly is None


@pytest.mark.parametrize("email", ["ada@xn--strae-oqa.de", "Ada@STRAẞE.de"])
def test_domains_are_compared_in_one_spelling(email):
    """A domain beyond ASCII may come back in ASCII; one that only folds alike is another."""
    request = InviteRequest("Ada", "ada@straße.de", 6578, InviteFormat.GET_LINK)

    for told, anomaly in ((email, None), ("ada@strasse.de", Anomaly.OTHER_INVITE)):
        reply = Reply(200, json.dumps({"application_id": 7, "email": told}).encode())

        assert judge(reply, request, now=lambda: NOW).anomaly is anomaly


def test_without_a_request_no_invite_is_looked_for():
    """A read's reply has other fields."""
    reply = Reply(200, b'{"track_id": 1, "error": "no"}')

    assert judge(reply, now=lambda: NOW).anomaly is None


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


def test_a_cut_body_does_not_change_the_verdict():
    """The status has arrived, and with it the proof."""
    assert judged(200, b'{"appl', body_complete=False).verdict is Verdict.INVITED
    assert judged(400, b'{"err', body_complete=False).verdict is Verdict.REFUSED


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


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 99999999999999999999 12:00:05 GMT",
        "Mon, 23 Nov 2026 99999999999999999999:00:05 GMT",
        "Mon, 23 Nov 2026 12:00:05 +99999999999999999999",
    ],
    ids=["year", "hour", "zone"],
)
@pytest.mark.parametrize("header", ["retry_after", "date"])
def test_absurd_dates_do_not_spoil_a_success(header, text):
    """Numbers that no clock has are ignored, and the invite is told as made."""
    facts = {"retry_after": "Mon, 23 Nov 2026 12:00:05 GMT", header: text}
    judgement = judged(201, b'{"application_id": 1}', **facts)

    assert judgement.verdict is Verdict.INVITED


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
        assert status in (307, 308) or 400 <= status < 500
    if judgement.verdict is Verdict.INVITED:
        assert 200 <= status < 300
