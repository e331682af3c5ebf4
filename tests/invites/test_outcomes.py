"""The outcome table, row by row: what each way an upstream call can end proves."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invites.models import (
    Anomaly,
    InviteFormat,
    InviteOutcome,
    InviteRequest,
)
from gateway.invites.models import InviteErrorCode as Code
from gateway.invites.outcomes import FAULTS, STATUSES, Verdict, judge, retry_after_seconds
from gateway.upstream.wire import Fault, Reply
from tests.fakes.outcomes import (
    INTERMEDIARIES,
    NOW,
    STATUS_ROWS,
    assert_sent,
    assert_status_row,
    assert_unsent,
    judged,
)


@pytest.mark.parametrize(("status", "verdict", "code", "retryable"), STATUS_ROWS)
def test_status_rows(status, verdict, code, retryable):
    """Where the body is the platform's and agrees, the status decides."""
    assert_status_row(status, verdict, code, retryable=retryable)


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
    "body",
    [
        b"404 page not found\n",
        b"RBAC: access denied",
        b"no such track",
        b'"Not found"',
        b"\x1f\x8b\x08",
        b'{"error": "API key inv',
    ],
)
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_text_of_a_proxy_blames_neither_key_nor_track(status, body):
    """The platform answers in JSON, or with nothing."""
    judgement = judged(status, body, content_type="text/plain")

    assert (judgement.verdict, judgement.code) == (Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE)
    assert (judgement.retryable, judgement.anomaly) == (True, Anomaly.NO_JSON)


@pytest.mark.parametrize(("status", "body"), INTERMEDIARIES.values(), ids=INTERMEDIARIES)
def test_api_gateway_blames_neither_key_nor_track(status, body):
    """Only the platform's own words do: that JSON came back does not make it the platform's."""
    is_cut = body.endswith(b"f")
    judgement = judged(status, body, body_complete=not is_cut)

    assert (judgement.verdict, judgement.code) == (Verdict.REFUSED, Code.UPSTREAM_UNAVAILABLE)
    is_json = body and not is_cut
    assert judgement.anomaly is (Anomaly.OTHER_JSON if is_json else Anomaly.NO_JSON)
    assert judgement.retryable


@pytest.mark.parametrize(
    "said",
    [
        {"error": "No such track"},
        {"success": False, "error": "Track 6578 does not exist"},
        {"message": "Not found", "error": "track_not_found"},
        {"message": "Invalid trackId"},
        {"errors": ["The track was deleted"]},
    ],
    ids=str,
)
def test_a_404_that_names_the_track_is_about_it(said):
    """In any of the forms that the platform's errors have had."""
    judgement = judged(404, json.dumps(said).encode())

    assert (judgement.code, judgement.retryable) == (Code.TRACK_NOT_FOUND, False)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "said",
    [
        {"error": "API key missing or invalid"},
        {"success": False, "error": "No"},
        {"message": "Please contact support.", "error": "no_access"},
    ],
    ids=str,
)
def test_the_platforms_own_error_blames_the_key(status, said):
    """The documented forms."""
    judgement = judged(status, json.dumps(said).encode())

    assert (judgement.code, judgement.anomaly) == (Code.UPSTREAM_UNAUTHORIZED, None)


@pytest.mark.parametrize("body", [b'{"error": "Not found"}', b'{"error": "No such applicant"}'])
def test_a_read_is_not_found_in_the_platforms_form(body):
    """It may be the application; but a 404 in another form may be about the URL."""
    assert judge(Reply(404, body), now=lambda: NOW).code is Code.TRACK_NOT_FOUND
    for other in (b"", b'{"message": "Not Found"}'):
        assert judge(Reply(404, other), now=lambda: NOW).code is Code.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "body"), [(200, b'{"application_id": 1}'), (404, b'{"error": "No such track"}')]
)
def test_json_announced_as_html_is_json(status, body):
    """Some servers announce everything as HTML."""
    assert judged(status, body, content_type="text/html").anomaly is None


def test_text_instead_of_json_proves_no_invite():
    """Only the platform's JSON, or a body that did not arrive, goes with a success."""
    assert judged(200, b"We will be back soon").anomaly is Anomaly.NO_JSON
    assert judged(200, b"We will be ba", body_complete=False).anomaly is Anomaly.NO_JSON
    assert judged(200, b" \n").anomaly is None
    assert judged(200, b" \n", body_complete=False).anomaly is None


SILENT = [
    {},
    None,
    [],
    [{"application_id": 7}],
    {"message": "Applicant already exists"},
    {"detail": "Not found"},
    {"message": "Invite sent"},
    {"status": "queued", "message": "Accepted"},
    {"name": "Ada Lovelace", "track_id": 6578},
    {"success": "soon"},
    {"email": ["taken"]},
    {"application_id": 0},
    {"application_id": "x"},
    {"application_id": True},
    {"invite_link": ""},
    {"invite_link": "javascript:alert(1)"},
    {"data": {"application_id": 7}},
    {"candidate_email": "ada@example.com", "track_id": 6578, "invite_format": "sendlink"},
]


@pytest.mark.parametrize("said", SILENT, ids=str)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_json_that_shows_no_invite_proves_none(status, said):
    """A success status alone does not: only the platform's own JSON does."""
    judgement = judged(status, json.dumps(said).encode())

    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.anomaly in (Anomaly.OTHER_JSON, Anomaly.DENIED)
    assert judgement.fields is None


FULL = {
    "application_id": 7,
    "email": "ada@example.com",
    "invite_link": "https://upstream.example/i/7",
    "invite_status": "invited",
    "name": "Ada Lovelace",
    "track_id": 6578,
}


@pytest.mark.parametrize("missing", [None, *FULL])
def test_documented_reply_is_an_invite_whatever_it_lacks(missing):
    """Which of its fields may be missing is not documented."""
    body = json.dumps({name: value for name, value in FULL.items() if name != missing})

    assert judged(200, body.encode()).verdict is Verdict.INVITED


@pytest.mark.parametrize(
    "said",
    [
        {"success": True},
        {"success": True, "message": "Candidate invited"},
        {"invite_status": "invited"},
        {"email": "ada@example.com", "name": "Ada Lovelace", "track_id": 6578},
        {"application_id": None, "invite_link": None, "email": "ada@example.com"},
        {"application_id": "soon", "invite_link": "https://upstream.example/i/7"},
    ],
    ids=str,
)
def test_any_field_that_shows_an_invite_is_enough(said):
    assert judged(200, json.dumps(said).encode()).verdict is Verdict.INVITED


@pytest.mark.parametrize(
    "said",
    [
        {"success": True, "error": "Applicant already exists"},
        {"success": True, "message": "Applicant already exists"},
        {"invite_status": "not sent"},
        {"email": "bob@example.com", "success": True},
    ],
    ids=str,
)
def test_a_field_that_shows_an_invite_is_not_enough_beside_a_denial(said):
    assert judged(200, json.dumps(said).encode()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "said",
    ["Not found", "No such track", "nothing here", "No handler for track 7"],
)
def test_a_404_in_the_platforms_form_is_about_the_track(said):
    judgement = judged(404, json.dumps({"error": said}).encode())

    assert (judgement.code, judgement.anomaly) == (Code.TRACK_NOT_FOUND, None)


@pytest.mark.parametrize(
    "said",
    [
        "Route not found",
        "Cannot POST",
        "no such resource",
        "unknown endpoint",
        "GET /x",
        "Bad host",
    ],
)
def test_a_404_about_the_url_is_not_about_the_track(said):
    judgement = judged(404, json.dumps({"error": said}).encode())

    assert (judgement.code, judgement.anomaly) == (Code.UPSTREAM_UNAVAILABLE, Anomaly.OTHER_JSON)


@pytest.mark.parametrize("cut", range(1, 60))
def test_documented_reply_is_an_invite_wherever_it_is_cut(cut):
    """What has arrived is the beginning of an invite's reply, and of nothing else."""
    body = json.dumps(FULL).encode()

    for whole in (body, b"\xef\xbb\xbf" + body, b"\n" + body):
        judgement = judged(200, whole[:-cut], body_complete=False)

        assert judgement.verdict is Verdict.INVITED


@pytest.mark.parametrize(
    ("body", "anomaly"),
    [
        (b'{"message": "Applicant alr', Anomaly.OTHER_JSON),
        (b'{"message": "Invi', Anomaly.OTHER_JSON),
        (b'{"detail": ', None),
        (b'{"detail": "N', Anomaly.OTHER_JSON),
        (b'[{"application_id": 7', Anomaly.NO_JSON),
        (b'{"application_id": 7, "email": "bob@example.com", "na', Anomaly.OTHER_INVITE),
        (b'{"track_id": 65, "app', Anomaly.OTHER_INVITE),
        (b'{"track_id": 65', None),
        (b'{"email": "ada@ex', None),
        (b'{"message": "ok", "application_id": 7', None),
        (b"\x28\xb5\x2f\xfd", Anomaly.NO_JSON),
    ],
    ids=repr,
)
def test_the_beginning_of_something_else_proves_no_invite(body, anomaly):
    """As far as a body has arrived, it is read as strictly as a whole one."""
    assert judged(200, body, body_complete=False).anomaly is anomaly


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", " data:text/html,x", "\x01javascript:x", "//x", "x", "ftp://x"]
)
def test_a_link_that_is_not_for_the_web_is_left_out_and_noticed(link):
    """A page that shows it would run it; the invite itself was made."""
    judgement = judged(200, json.dumps({**FULL, "invite_link": link}).encode())

    assert (judgement.verdict, judgement.anomaly) == (Verdict.INVITED, Anomaly.ODD_LINK)
    assert judgement.fields is not None
    assert judgement.fields.invite_link is None


@pytest.mark.parametrize("link", ["http://x.example", "HTTPS://x.example/é", " https://x.example"])
def test_a_link_for_the_web_is_kept_as_it_is(link):
    """Whatever its case."""
    judgement = judged(200, json.dumps({**FULL, "invite_link": link}).encode())

    assert judgement.anomaly is None
    assert judgement.fields is not None
    assert judgement.fields.invite_link == link


DENIALS = [{"success": False}, {"error": "No"}, {"status": False}, {"invite_status": "failed"}]
AGREEMENTS = [{}, {"success": True}, {"error": None}, {"status": 200}, {"message": "Invited"}]
CONTRADICTIONS = [*DENIALS, {"message": "Applicant already exists"}, {"detail": "Not found"}]


@pytest.mark.parametrize("said", CONTRADICTIONS, ids=str)
def test_a_success_that_denies_itself_proves_nothing(said):
    """Whether it happened is open, also if an application is named."""
    for body in (said, {**said, "application_id": 7}):
        judgement = judged(200, json.dumps(body).encode())

        assert (judgement.verdict, judgement.anomaly) == (Verdict.UNKNOWN, Anomaly.DENIED)
        assert judgement.fields is None


@pytest.mark.parametrize("said", DENIALS, ids=str)
def test_a_cut_denial_is_no_success(said):
    """What has arrived of it denies the invite."""
    body = json.dumps({"application_id": 7, **said, "more": ["x"]}).encode()[:-4]

    assert judged(200, body, body_complete=False).anomaly is Anomaly.DENIED


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
    assert judgement.fields is None


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
    assert_unsent(fault)


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
    assert_sent(fault, code)


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


GUIDE = Path(__file__).parents[2] / "gateway" / "site" / "guide" / "reliability.md"
SAMPLES = (
    b"",
    json.dumps(FULL).encode(),
    b'{"error": "No"}',
    b'{"error": "No such track"}',
    b'{"error": "limit_exceed"}',
    b'{"message": "Forbidden"}',
    b"<p>No</p>",
)
GROUPS = {
    "2xx": {*range(200, 300)},
    "other 3xx": {*range(300, 400)} - {307, 308},
    "any other, 5xx among them": {406, 408, 418, *range(500, 600)},
    "no reply, although a byte was sent": set(),
}


def documented():
    """The error codes of each status in the guide's table; None stands for a success."""
    codes = defaultdict(set)
    rows = [line for line in GUIDE.read_text("utf-8").splitlines() if line.startswith("| ")]
    for row in rows:
        statuses, *_, code = row.strip("| ").split(" | ")
        if re.fullmatch(r"[0-9, –]+", statuses) or statuses in GROUPS:
            for status in GROUPS.get(statuses) or expanded(statuses):
                codes[status].add(None if code == "invited" else code.strip("`"))
    return codes


def expanded(statuses: str) -> set[int]:
    ends = [part.split("–") for part in re.findall(r"[0-9–]+", statuses)]
    return {status for end in ends for status in range(int(end[0]), int(end[-1]) + 1)}


def test_guide_has_the_table_of_the_code():
    """Each status has the codes there that it can have here."""
    for status, codes in documented().items():
        judgements = [judged(status, body) for body in SAMPLES]

        assert {None if one.fields else one.code.value for one in judgements} == codes, status
    assert set(STATUSES) <= set(documented())


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
        ("12", None, 12),
        ("0" * 20 + "15", None, 15),
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
        (DATE, DATE, 0),
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


@pytest.mark.parametrize("status", [300, 302, 303, 399])
def test_redirection_is_noted_and_proves_nothing_but_of_reads(status):
    """A read changes nothing, wherever it was sent."""
    of_invite = judged(status)
    of_read = judge(Reply(status), now=lambda: NOW)

    assert (of_invite.verdict, of_invite.anomaly) == (Verdict.UNKNOWN, Anomaly.REDIRECT)
    assert of_read.verdict is Verdict.REFUSED
    assert of_read.code is Code.UPSTREAM_UNAVAILABLE


def test_cut_body_that_is_announced_as_a_page_is_one():
    """Whatever it begins with: only a whole JSON body is believed against its header."""
    body = b'{"application_id": 7, "em'

    page = judged(200, body, body_complete=False, content_type="text/html")
    cut = judged(200, body, body_complete=False, content_type="application/json")

    assert (page.verdict, page.anomaly) == (Verdict.UNKNOWN, Anomaly.PAGE)
    assert (cut.verdict, cut.anomaly) == (Verdict.INVITED, None)
