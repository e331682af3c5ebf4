"""What a caller is told when the upstream misbehaves, and how many requests that one received.

The two must agree: an invite that may have happened is never called "not invited", and one
request of a caller is never two at the upstream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import pytest

from gateway.invites.admission import Admission
from gateway.invites.inputs import InviteDraft
from gateway.invites.invite import Inviter
from gateway.invites.keyed import KeyedInviter
from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteFormat,
    InviteOutcome,
    InviteResult,
    InviteSuccess,
)
from gateway.invites.records import Records
from gateway.invites.retries import RetryPolicy
from gateway.invites.sender import Sender
from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.client import client_for
from gateway.upstream.contract import Upstream
from tests.fakes import hostile
from tests.fakes.codes import (
    ALREADY_INVITED,
    FAULT,
    INVALID,
    LIMITED,
    NOT_FOUND,
    QUOTA,
    TIMEOUT,
    UNAUTHORIZED,
    UNAVAILABLE,
)
from tests.fakes.hostile import INVITED, MEGABYTE, Hostile, answers_status
from tests.fakes.invites import MemoryStore
from tests.fakes.outcomes import INTERMEDIARIES

DRAFT = InviteDraft("Ada", "ada@example.com", "6578", InviteFormat.SEND_LINK)
YES, NO, MAYBE = InviteOutcome.INVITED, InviteOutcome.NOT_INVITED, InviteOutcome.UNKNOWN
TOO_MANY_LEFT = b'{"message": "Invites Exhausted.", "error": "limit_exceed"}'


Kind: TypeAlias = Literal["direct", "httpx2"]
BOTH_CLIENTS = pytest.mark.parametrize("kind", ["direct", "httpx2"])
# A wait that has to run out. Ample for a busy machine to connect and send within it.
SHORT_SECONDS = 1.0


class Row(NamedTuple):
    """One hostile upstream, what the caller is told, and how many requests arrived whole."""

    upstream: Callable[[], Hostile]
    code: InviteErrorCode | None
    outcome: InviteOutcome
    retryable: bool
    invites: int
    seconds: float = 20.0


CONNECTIONS = {
    "refused": Row(hostile.refuses, UNAVAILABLE, NO, True, 0),
    "not-tls": Row(hostile.speaks_no_tls, UNAVAILABLE, NO, True, 0),
    # A certificate error is a configuration fault: the same request would fail again.
    "certificate": Row(hostile.has_an_untrusted_certificate, UNAVAILABLE, NO, False, 0),
    "connect-stalls": Row(hostile.stalls_in_connect, UNAVAILABLE, NO, True, 0, SHORT_SECONDS),
    "tls-stalls": Row(hostile.stalls_in_tls, UNAVAILABLE, NO, True, 0, SHORT_SECONDS),
    "ended-at-once": Row(hostile.ends_at_once, FAULT, MAYBE, False, 0),
    "reset-before-reading": Row(hostile.resets_before_reading, FAULT, MAYBE, False, 0),
    "reset-after-reading": Row(hostile.resets_after_reading, FAULT, MAYBE, False, 1),
    "closed": Row(hostile.closes_without_a_response, FAULT, MAYBE, False, 1),
    "garbage": Row(hostile.talks_garbage, FAULT, MAYBE, False, 1),
    "half-a-status-line": Row(hostile.sends_half_a_status_line, FAULT, MAYBE, False, 1),
    "endless-headers": Row(hostile.sends_endless_headers, FAULT, MAYBE, False, 1),
    "silence": Row(hostile.never_answers, TIMEOUT, MAYBE, False, 1, SHORT_SECONDS),
    "unread": Row(hostile.never_reads, TIMEOUT, MAYBE, False, 0, SHORT_SECONDS),
    "continue-forever": Row(hostile.says_continue_forever, TIMEOUT, MAYBE, False, 1, SHORT_SECONDS),
}

SUCCESSES = {
    "drip": Row(hostile.drips, None, YES, False, 1),
    "continue": Row(hostile.says_continue_then_answers, None, YES, False, 1),
    "created": Row(lambda: answers_status(201, INVITED), None, YES, False, 1),
    "only-an-id": Row(lambda: answers_status(200, b'{"application_id": 5}'), None, YES, False, 1),
    "utf-16": Row(
        lambda: answers_status(200, INVITED.decode().encode("utf-16")), None, YES, False, 1
    ),
    "wrong-charset": Row(
        lambda: answers_status(200, INVITED, "content-type: text/html; charset=ebcdic"),
        None,
        YES,
        False,
        1,
    ),
    "truncated": Row(hostile.truncates, FAULT, YES, False, 1),
    "truncated-chunks": Row(hostile.truncates_chunks, FAULT, YES, False, 1),
    "broken-chunks": Row(hostile.breaks_chunks, FAULT, YES, False, 1),
    "reset-body": Row(hostile.resets_in_the_body, FAULT, YES, False, 1),
    "stalled-body": Row(hostile.stalls_in_the_body, FAULT, YES, False, 1, SHORT_SECONDS),
    "drip-forever": Row(hostile.drips_forever, FAULT, YES, False, 1, SHORT_SECONDS),
    "flood": Row(hostile.floods, FAULT, YES, False, 1),
    "only-a-link": Row(
        lambda: answers_status(200, b'{"invite_link": "https://x.example/i/1"}'),
        FAULT,
        YES,
        False,
        1,
    ),
    "odd-link": Row(
        lambda: answers_status(200, b'{"application_id": 5, "invite_link": "javascript:x"}'),
        None,
        YES,
        False,
        1,
    ),
    "empty": Row(lambda: answers_status(200), FAULT, YES, False, 1),
    "no-content": Row(lambda: hostile.answers(b"HTTP/1.1 204 x\r\n\r\n"), FAULT, YES, False, 1),
}

HTML = "content-type: text/html"
NOT_BELIEVED = {
    "html": Row(lambda: answers_status(200, b"<p>Hi</p>", HTML), FAULT, MAYBE, False, 1),
    "html-unannounced": Row(lambda: answers_status(200, b"\n<html>"), FAULT, MAYBE, False, 1),
    "html-201": Row(lambda: answers_status(201, b"Hello", HTML), FAULT, MAYBE, False, 1),
    "text": Row(lambda: answers_status(200, b"Back soon"), FAULT, MAYBE, False, 1),
    **{
        repr(body): Row(lambda body=body: answers_status(200, body), FAULT, MAYBE, False, 1)  # type: ignore[misc]
        for body in (
            b'{"message": "Applicant already exists"}',
            b'{"message": "Applicant already exists", "application_id": 7}',
            b'{"detail": "Not found"}',
            b'{"name": "Ada", "track_id": 6578}',
            b'{"application_id": "\xff"}',
            b"[" + INVITED + b"]",
            b"{}",
            b"null",
        )
    },
    **{
        f"cut-{body!r}": Row(lambda body=body: hostile.cuts(body), FAULT, MAYBE, False, 1)  # type: ignore[misc]
        for body in (
            b'{"message": "Applicant alr',
            b"We will be ba",
            b'{"application_id": 7, "email": "bob@example.com", "na',
        )
    },
    "megabytes": Row(lambda: answers_status(200, b"[" * 3 * MEGABYTE), FAULT, MAYBE, False, 1),
    "denied": Row(
        lambda: answers_status(200, b'{"success": false, "error": "no"}'), FAULT, MAYBE, False, 1
    ),
    "denied-with-id": Row(
        lambda: answers_status(200, b'{"error": {"m": "no"}, "application_id": 7}'),
        FAULT,
        MAYBE,
        False,
        1,
    ),
    "other-track": Row(
        lambda: answers_status(200, b'{"track_id": 1, "application_id": 7}'), FAULT, MAYBE, False, 1
    ),
    "other-person": Row(
        lambda: answers_status(200, b'{"email": "b@example.com", "application_id": 7}'),
        FAULT,
        MAYBE,
        False,
        1,
    ),
}


def status_row(
    status: int,
    code: InviteErrorCode,
    outcome: InviteOutcome,
    *,
    retryable: bool = False,
    body: bytes = b'{"error": "text"}',
) -> Row:
    return Row(lambda: answers_status(status, body), code, outcome, retryable, 1)


STATUSES = {
    "101": Row(hostile.switches_protocols, FAULT, MAYBE, False, 1),
    **{
        str(status): Row(
            lambda status=status: hostile.redirects_to_itself(status),  # type: ignore[misc]
            code,
            outcome,
            False,
            1,
        )
        for code, outcome, statuses in (
            (FAULT, MAYBE, (300, 301, 302, 303, 304, 305)),
            (UNAVAILABLE, NO, (307, 308)),
        )
        for status in statuses
    },
    **{
        f"{status}-html": status_row(
            status, UNAVAILABLE, NO, retryable=True, body=b"<p>limit_exceed</p>"
        )
        for status in (400, 401, 403, 404, 409, 422)
    },
    **{
        name: status_row(status, UNAVAILABLE, NO, retryable=True, body=body)
        for name, (status, body) in INTERMEDIARIES.items()
    },
    "400": status_row(400, INVALID, NO),
    "401": status_row(401, UNAUTHORIZED, NO),
    "403": status_row(403, UNAUTHORIZED, NO),
    "403-exhausted": status_row(403, QUOTA, NO, body=TOO_MANY_LEFT),
    "404": status_row(404, NOT_FOUND, NO, body=b'{"error": "Track not found"}'),
    "405": status_row(405, UNAVAILABLE, NO),
    "409": status_row(409, ALREADY_INVITED, NO),
    "418": status_row(418, FAULT, MAYBE),
    "422": status_row(422, INVALID, NO),
    "429": status_row(429, LIMITED, NO, retryable=True),
    "500": status_row(500, FAULT, MAYBE),
    "500-says-not": status_row(500, FAULT, MAYBE, body=b'{"error": "limit_exceed"}'),
    "502": status_row(502, FAULT, MAYBE, body=b"<html>Bad Gateway</html>"),
    "503": status_row(503, FAULT, MAYBE),
    "504": status_row(504, FAULT, MAYBE, body=b""),
    "599": status_row(599, FAULT, MAYBE),
    "early-413": Row(hostile.answers_before_reading, UNAVAILABLE, NO, False, 0),
}


@BOTH_CLIENTS
@pytest.mark.parametrize("row", CONNECTIONS.values(), ids=CONNECTIONS)
async def test_failed_connection_is_judged_by_what_may_have_left(row, kind):
    """Only a request of which no byte left is "not invited" and safe to send again."""
    assert await told_by(row, kind) == row[1:5]


@BOTH_CLIENTS
@pytest.mark.parametrize("row", SUCCESSES.values(), ids=SUCCESSES)
async def test_reply_that_shows_an_invite_or_did_not_arrive_is_one(row, kind):
    """A broken answer never turns an invite into "not invited"."""
    assert await told_by(row, kind) == row[1:5]


@BOTH_CLIENTS
@pytest.mark.parametrize("row", NOT_BELIEVED.values(), ids=NOT_BELIEVED)
async def test_success_status_alone_is_no_proof(row, kind):
    """A body that is a page, denies it, or is about somebody else leaves the outcome open."""
    assert await told_by(row, kind) == row[1:5]


@BOTH_CLIENTS
@pytest.mark.parametrize("row", STATUSES.values(), ids=STATUSES)
async def test_status_is_judged_by_what_it_proves(row, kind):
    """Each status gets its code and outcome, and is asked for once."""
    assert await told_by(row, kind) == row[1:5]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["retry-after: 2"], 2),
        (["retry-after: 0"], 0),
        (["retry-after: 999999999999999999999"], 3600),
        (["retry-after: -1"], None),
        (["retry-after: soon"], None),
        (["retry-after: 1.5"], None),
        (
            [
                "date: Mon, 23 Nov 2026 12:00:00 GMT",
                "retry-after: Mon, 23 Nov 2026 12:00:07 GMT",
            ],
            7,
        ),
        (
            [
                "date: Mon, 23 Nov 2026 12:00:00 GMT",
                "retry-after: Mon, 23 Nov 2026 11:00:00 GMT",
            ],
            None,
        ),
    ],
    ids=str,
)
async def test_retry_after_is_handed_to_the_caller(status, headers, seconds):
    """Both forms of the header count; what makes no sense is left out."""
    async with answers_status(status, b"", *headers) as upstream:
        result = await invited_by(upstream.address)

    assert isinstance(result, InviteFailure)
    assert (result.retry_after_seconds, result.upstream_status) == (seconds, status)
    assert upstream.invites == 1


async def test_second_invite_on_a_closing_connection_is_not_repeated():
    """The keep-alive race may have invited: the caller hears that, and nothing is resent."""
    async with hostile.closes_on_the_second_request() as upstream:
        inviter, client = make_inviter(upstream.address)
        first, second = await inviter.invite(DRAFT), await inviter.invite(DRAFT)
        await client.aclose()

    assert isinstance(first, InviteSuccess)
    assert facts(second) == (FAULT, MAYBE, False)
    assert upstream.invites == 2


@BOTH_CLIENTS
async def test_reply_about_another_invite_tells_nothing_and_ends_the_connection(kind):
    """A connection that is out of step would give the next candidate this one's link."""
    bob = InviteDraft("Bob", "bob@example.com", "6578", InviteFormat.SEND_LINK)
    async with hostile.is_out_of_step() as upstream:
        inviter, client = make_inviter(upstream.address, kind=kind)
        first, kept = await inviter.invite(DRAFT), await inviter.invite(DRAFT)
        connections_before = upstream.connections
        astray = await inviter.invite(bob)
        await upstream.closed.wait()
        last = await inviter.invite(DRAFT)
        await client.aclose()

    assert isinstance(first, InviteSuccess)
    assert isinstance(kept, InviteSuccess)
    assert facts(astray) == (FAULT, MAYBE, False)
    assert isinstance(last, InviteSuccess)
    assert (connections_before, upstream.connections) == (1, 2)


async def test_no_failure_tells_the_candidate_or_the_upstream():
    """Messages are safe to show: no address, name or internal word is in them."""
    body = b'{"error": "Ada <ada@example.com> at http://10.0.0.1 failed"}'
    for status in (400, 401, 403, 404, 409, 422, 429, 500, 503):
        async with answers_status(status, body) as upstream:
            result = await invited_by(upstream.address)

        assert isinstance(result, InviteFailure)
        assert not [word for word in ("Ada", "@", "10.0.0.1", "127.") if word in result.message]


def make_inviter(
    address: str, *, seconds: float = 20.0, kind: Kind = "direct"
) -> tuple[Inviter, Upstream]:
    client = client_for(
        address, api_key=FixedApiKey("secret"), api_key_header="apiKey", concurrency=4, kind=kind
    )
    sender = Sender(client, timeout_seconds=seconds, policy=RetryPolicy(attempts=1))
    inviter = Inviter(
        sender,
        admission=Admission(4, queue=4, max_wait_seconds=seconds),
        keyed=unkeyed_only(sender),
        timeout_seconds=seconds,
    )
    return inviter, client


def unkeyed_only(sender: Sender) -> KeyedInviter:
    """These tests use no keys, so nothing is ever recorded."""
    return KeyedInviter(
        records=Records(MemoryStore()),
        sender=sender,
        admission=Admission(1, queue=0, max_wait_seconds=0),
        read_back=None,
        lease_seconds=60,
    )


async def invited_by(address: str, *, seconds: float = 20.0, kind: Kind = "direct") -> InviteResult:
    inviter, client = make_inviter(address, seconds=seconds, kind=kind)
    try:
        return await inviter.invite(DRAFT)
    finally:
        await client.aclose()


async def told_by(row: Row, kind: Kind) -> tuple[InviteErrorCode | None, InviteOutcome, bool, int]:
    async with row.upstream() as upstream:
        result = await invited_by(upstream.address, seconds=row.seconds, kind=kind)
    return *facts(result), upstream.invites


def facts(result: InviteResult) -> tuple[InviteErrorCode | None, InviteOutcome, bool]:
    if isinstance(result, InviteSuccess):
        return None, InviteOutcome.INVITED, False
    return result.code, result.outcome, result.retryable
