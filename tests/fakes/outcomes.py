"""The outcome table as the tests have it, and the assertions on its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from gateway.invites.models import InviteErrorCode as Code
from gateway.invites.models import InviteFormat, InviteRequest
from gateway.invites.outcomes import Judgement, Verdict, judge
from gateway.upstream.wire import Fault, NoReply, Reply

NOW: Final = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
REQUEST: Final = InviteRequest("Ada Lovelace", "ada@example.com", 6578, InviteFormat.GET_LINK)

STATUS_ROWS: Final = [
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

# 404s, 401s and 403s of what stands in front of the platform; none is about its key or a track.
INTERMEDIARIES: Final = {
    "kong": (404, b'{"message":"no Route matched with those values"}'),
    "kong-3": (
        404,
        b'{"message":"no Route matched with those values","request_id":"6f2a1b"}',
    ),
    "kong-401": (401, b'{"message":"No API key found in request"}'),
    "kong-403": (403, b'{"message":"You cannot consume this service"}'),
    "aws": (404, b'{"message":"Not Found"}'),
    "aws-401": (401, b'{"message":"Unauthorized"}'),
    "aws-403": (403, b'{"message":"Forbidden"}'),
    "aws-no-route": (403, b'{"message":"Missing Authentication Token"}'),
    "aws-policy": (403, b'{"Message":"User is not authorized to access this resource"}'),
    "azure": (404, b'{"statusCode":404,"message":"Resource not found"}'),
    "azure-401": (
        401,
        b'{"statusCode":401,"message":"Access denied due to missing subscription key."}',
    ),
    "google": (
        404,
        b'{"error":{"code":404,"message":"Method not found.","status":"NOT_FOUND"}}',
    ),
    "google-esp": (403, b'{"code":7,"message":"The API is not enabled for the project."}'),
    "spring": (
        404,
        (
            b'{"timestamp":"2026-11-23T12:00:00Z","status":404,"error":"Not Found",'
            b'"path":"/api/v2/tracks/invite"}'
        ),
    ),
    "spring-403": (
        403,
        (
            b'{"timestamp":"2026-11-23T12:00:00Z","status":403,"error":"Forbidden",'
            b'"path":"/api/v2/tracks/invite"}'
        ),
    ),
    "nest": (
        404,
        b'{"statusCode":404,"message":"Cannot POST /tracks/invite","error":"Not Found"}',
    ),
    "fastapi": (404, b'{"detail":"Not Found"}'),
    "path": (404, b'{"error":"No handler for /v2/tracks"}'),
    "route": (404, b'{"error":"No route for POST tracks/invite"}'),
    "problem": (404, b'{"type":"about:blank","title":"Not Found","status":404}'),
    "apigee": (
        404,
        (
            b'{"fault":{"faultstring":"Unable to identify proxy for host",'
            b'"detail":{"errorcode":"messaging.adaptors.http.flow.ApplicationNotFound"}}}'
        ),
    ),
    "apigee-401": (401, b'{"fault":{"faultstring":"Invalid ApiKey"}}'),
    "cloudflare": (403, b'{"success":false,"errors":[{"code":1020,"message":"Access denied"}]}'),
    "null": (404, b"null"),
    "list": (403, b'["Forbidden"]'),
    "cut": (404, b'{"error": "Track not f'),
}


def judged(status: int, body: bytes = b"", **facts: object) -> Judgement:
    return judge(Reply(status, body, **facts), REQUEST, now=lambda: NOW)  # type: ignore[arg-type]


def assert_status_row(status: int, verdict: Verdict, code: Code, *, retryable: bool) -> None:
    """The status decides, where the body is the platform's and agrees, or is not needed."""
    bodies: tuple[bytes, ...] = (b"", b'{"error": "limit_exceeded"}')
    if status < 300:
        bodies = (b"", b'{"application_id": 1}')
    elif status == 404:
        bodies = (b"", b'{"error": "No such track"}', b'{"error": "Not found"}')
    for body in bodies:
        judgement = judged(status, body)

        assert (judgement.verdict, judgement.code) == (verdict, code)
        assert (judgement.retryable, judgement.status) == (retryable, status)
        assert judgement.retry_after_seconds is None


def assert_unsent(fault: Fault) -> None:
    """Before the first byte every fault proves the same, and only a bad certificate lasts."""
    judgement = judge(NoReply(fault, possibly_sent=False), now=lambda: NOW)

    assert judgement.verdict is Verdict.NOT_SENT
    assert judgement.code is Code.UPSTREAM_UNAVAILABLE
    assert judgement.retryable is (fault is not Fault.CERTIFICATE)


def assert_sent(fault: Fault, code: Code) -> None:
    """After the first byte no fault proves anything."""
    judgement = judge(NoReply(fault, possibly_sent=True), now=lambda: NOW)

    assert (judgement.verdict, judgement.code) == (Verdict.UNKNOWN, code)
    assert not judgement.retryable
