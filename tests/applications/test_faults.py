"""What a reader is told when the upstream misbehaves, and how often that one was asked.

Every row goes for a list, for one application, and for both clients: nothing is raised, nothing
is made up, and what may pass is asked three times at most.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from gateway.applications.failures import ReadFailure
from gateway.applications.models import ApplicationDetails, ApplicationKey
from gateway.applications.reads import Window
from gateway.invites.models import InviteErrorCode
from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.client import client_for
from tests.fakes import hostile
from tests.fakes.applications import TRACK, a_request, details, entry, listed, some_reads
from tests.fakes.codes import FAULT, INVALID, LIMITED, NOT_FOUND, TIMEOUT, UNAUTHORIZED, UNAVAILABLE
from tests.fakes.hostile import MEGABYTE, Hostile, answers_status

# A wait that has to run out. Ample for a busy machine to connect and send within it.
SHORT_SECONDS = 1.0
READS = ("list", "one")
GOOD = {
    "list": json.dumps(listed(entry(7))).encode(),
    "one": json.dumps(details()).encode(),
}


class Row(NamedTuple):
    """One hostile upstream, what the caller is told, and how many requests arrived whole."""

    upstream: Callable[[], Hostile]
    code: InviteErrorCode
    retryable: bool
    requests: int
    seconds: float = 20.0


ROWS = {
    "refused": Row(hostile.refuses, UNAVAILABLE, True, 0),
    "not-tls": Row(hostile.speaks_no_tls, UNAVAILABLE, True, 0),
    "certificate": Row(hostile.has_an_untrusted_certificate, UNAVAILABLE, False, 0),
    "connect-stalls": Row(hostile.stalls_in_connect, UNAVAILABLE, True, 0, SHORT_SECONDS),
    "ended-at-once": Row(hostile.ends_at_once, FAULT, True, 0),
    "reset-before-reading": Row(hostile.resets_before_reading, FAULT, True, 0),
    "reset-after-reading": Row(hostile.resets_after_reading, FAULT, True, 3),
    "closed": Row(hostile.closes_without_a_response, FAULT, True, 3),
    "garbage": Row(hostile.talks_garbage, FAULT, True, 3),
    "endless-headers": Row(hostile.sends_endless_headers, FAULT, True, 3),
    "silence": Row(hostile.never_answers, TIMEOUT, True, 1, SHORT_SECONDS),
    "continue-forever": Row(hostile.says_continue_forever, TIMEOUT, True, 1, SHORT_SECONDS),
    "truncated": Row(hostile.truncates, FAULT, True, 3),
    "truncated-chunks": Row(hostile.truncates_chunks, FAULT, True, 3),
    "broken-chunks": Row(hostile.breaks_chunks, FAULT, True, 3),
    "reset-body": Row(hostile.resets_in_the_body, FAULT, True, 3),
    "stalled-body": Row(hostile.stalls_in_the_body, FAULT, True, 1, SHORT_SECONDS),
    "drip-forever": Row(hostile.drips_forever, FAULT, True, 1, SHORT_SECONDS),
    "flood": Row(hostile.floods, FAULT, False, 1),
    "megabytes": Row(lambda: answers_status(200, b"[" * 3 * MEGABYTE), FAULT, False, 1),
    "deep": Row(lambda: answers_status(200, b"[" * 9_999 + b"]" * 9_999), FAULT, False, 1),
    "empty": Row(lambda: answers_status(200), FAULT, False, 1),
    "no-content": Row(lambda: hostile.answers(b"HTTP/1.1 204 x\r\n\r\n"), FAULT, False, 1),
    "html": Row(
        lambda: answers_status(200, b"<p>Hi</p>", "content-type: text/html"), FAULT, False, 1
    ),
    "other-json": Row(lambda: answers_status(200, hostile.INVITED), FAULT, False, 1),
    "null": Row(lambda: answers_status(200, b"null"), FAULT, False, 1),
    "denied": Row(
        lambda: answers_status(200, b'{"success": false, "error": "no"}'), FAULT, False, 1
    ),
    "redirect": Row(lambda: hostile.redirects_to_itself(302), UNAVAILABLE, False, 1),
    "400": Row(lambda: answers_status(400), INVALID, False, 1),
    "401": Row(lambda: answers_status(401), UNAUTHORIZED, False, 1),
    "403": Row(lambda: answers_status(403), UNAUTHORIZED, False, 1),
    "409": Row(lambda: answers_status(409), FAULT, False, 1),
    "429": Row(lambda: answers_status(429), LIMITED, True, 3),
    "429-later": Row(lambda: answers_status(429, b"", "retry-after: 99"), LIMITED, True, 1),
    "500": Row(lambda: answers_status(500), FAULT, True, 1),
    "502": Row(lambda: answers_status(502, b"<html>Bad Gateway</html>"), FAULT, True, 3),
    "503": Row(lambda: answers_status(503), FAULT, True, 3),
    "504": Row(lambda: answers_status(504), FAULT, True, 3),
}


async def read(what: str, address: str, kind: Any, *, seconds: float = 20.0) -> Any:
    client = client_for(
        address,
        api_key=FixedApiKey("secret"),
        api_key_header="apiKey",
        concurrency=2,
        kind=kind,
    )
    reads = some_reads(client, seconds=seconds)
    try:
        if what == "list":
            return await reads.window(a_request())
        return await reads.one(ApplicationKey(TRACK, 7))
    finally:
        await client.aclose()


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
@pytest.mark.parametrize("what", READS)
@pytest.mark.parametrize("name", ROWS)
async def test_whatever_happens_is_told(name, what, kind):
    """Code, and whether it is worth another try, tell what happened; and nothing is hammered."""
    row = ROWS[name]
    async with row.upstream() as upstream:
        failure = await read(what, upstream.address, kind, seconds=row.seconds)

    assert isinstance(failure, ReadFailure)
    assert (failure.code, failure.retryable) == (row.code, row.retryable)
    assert upstream.invites == row.requests


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
async def test_switched_protocol_is_a_fault(kind):
    """One client sees a status, the other none: either way nothing could be read."""
    async with hostile.switches_protocols() as upstream:
        failure = await read("list", upstream.address, kind)

    assert failure.code is FAULT


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
async def test_not_found_is_an_answer(kind):
    """A track that is not there has no list; an application that is not there is none."""
    async with answers_status(404, b'{"error": "Not found"}') as upstream:
        listing = await read("list", upstream.address, kind)
        one = await read("one", upstream.address, kind)

    assert listing.code is NOT_FOUND
    assert one is None
    assert upstream.invites == 2


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
@pytest.mark.parametrize("what", READS)
async def test_slow_answer_is_read(what, kind):
    """An answer that comes in single bytes is as good as another."""

    async def behave(peer: hostile.Peer) -> None:
        await peer.request()
        await peer.drip(hostile.reply(200, GOOD[what]))

    async with hostile.behaving(behave) as upstream:
        found = await read(what, upstream.address, kind)

    assert isinstance(found, Window | ApplicationDetails)


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
@pytest.mark.parametrize("what", READS)
async def test_trouble_that_passes_is_not_noticed(what, kind):
    """A connection that breaks twice is opened a third time."""

    async def behave(peer: hostile.Peer) -> None:
        await peer.request()
        if peer.upstream.invites == 3:
            await peer.send(hostile.reply(200, GOOD[what]))
            await peer.hang()

    async with hostile.behaving(behave) as upstream:
        async with asyncio.timeout(20):
            found = await read(what, upstream.address, kind)

    assert isinstance(found, Window | ApplicationDetails)
