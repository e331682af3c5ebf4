"""The table of addresses by which the stand-in is told to fail."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from gateway.sandbox import create_sandbox, running_sandbox
from gateway.sandbox.failures import Mishap, failure_for
from tests.sandbox.conftest import client_of, invite_body

REFUSALS = {
    "invalid": (400, {"error": "This candidate is not accepted"}, None),
    "unauthorized": (401, {"error": "API key missing or invalid"}, None),
    "forbidden": (403, {"error": "API key has no access to tracks"}, None),
    "exhausted": (
        403,
        {"message": "Invites Exhausted. Please contact support.", "error": "limit_exceed"},
        None,
    ),
    "conflict": (409, {"error": "Applicant already exists"}, None),
    "rate-limited": (429, {"error": "Too many requests"}, "2"),
    "broken": (500, {"error": "Internal server error"}, None),
    "unavailable": (503, {"error": "Service unavailable"}, "1"),
}


@pytest.mark.parametrize("local_part", REFUSALS)
async def test_refusals_have_their_status_and_invite_nobody(client, local_part):
    """Each refusing address gets its status, body and Retry-After, and no invite is counted."""
    status, body, retry_after = REFUSALS[local_part]

    reply = await client.invite(f"{local_part}@example.com")

    assert (status, body) == (reply.status_code, reply.json())
    assert retry_after == reply.headers.get("retry-after")
    assert await client.count() == 0


async def test_dropped_invites_and_closes_without_an_answer(client):
    """The invite is counted although the client sees only a closed connection."""
    with pytest.raises(httpx2.RemoteProtocolError):
        await client.invite("dropped@example.com")

    assert await client.count() == 1


async def test_truncated_invites_and_sends_half_a_body(client):
    """The status says success, the body breaks off, and the invite is counted."""
    body = invite_body("truncated@example.com")
    received = bytearray()

    async def read() -> None:
        async with client.stream("POST", "/tracks/invite", json=body) as reply:
            assert reply.status_code == 200
            async for chunk in reply.aiter_raw():
                received.extend(chunk)

    with pytest.raises(httpx2.RemoteProtocolError):
        await read()

    assert received.startswith(b'{"application_id":')
    assert await client.count() == 1


async def test_garbage_invites_and_answers_html(client):
    """The status says success over a page of HTML, and the invite is counted."""
    reply = await client.invite("garbage@example.com")

    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/html")
    assert await client.count() == 1


@pytest.mark.parametrize("status", [200, 403, 404, 503])
async def test_page_in_between_invites_nobody(client, status):
    """Something answers in the platform's name."""
    reply = await client.invite(f"page-{status}@example.com")

    assert reply.status_code == status
    assert reply.headers["content-type"].startswith("text/html")
    assert ("cf-mitigated" in reply.headers) is (status == 403)
    assert await client.count() == 0


async def test_reset_invites_nobody(client):
    """The connection is reset, not closed, and no invite is counted."""
    with pytest.raises(httpx2.ReadError):
        await client.invite("reset@example.com")

    assert await client.count() == 0


async def test_slow_invites_at_once_and_answers_late():
    """The invite is counted while its answer is still awaited; the answer is a success."""
    async with (
        running_sandbox(create_sandbox(slow_seconds=0.2)) as address,
        client_of(address) as client,
    ):
        answer = asyncio.create_task(client.invite("slow@example.com"))
        while await client.count() == 0:
            assert not answer.done()

        assert (await answer).json()["email"] == "slow@example.com"


async def test_slow_answer_does_not_hold_up_the_end():
    """A stand-in that owes an answer in 30 seconds stops at once."""
    async with asyncio.timeout(10), client_of("http://127.0.0.1") as client:
        async with running_sandbox(create_sandbox(slow_seconds=30)) as address:
            client.base_url = address
            answer = asyncio.create_task(client.invite("slow@example.com"))
            while await client.count() == 0:
                pass

        with pytest.raises(httpx2.RemoteProtocolError):
            await answer


async def test_intended_failures_leave_no_line_in_the_log(client, caplog):
    """Cut connections are no errors of the stand-in: nothing is logged."""
    for local_part in ("dropped", "truncated", "reset"):
        with pytest.raises(httpx2.TransportError):
            await client.invite(f"{local_part}@example.com")

    assert [line for line in caplog.records if line.name.startswith("uvicorn")] == []


@pytest.mark.parametrize(
    "email", ["dropped@a.example", "DROPPED@b.example", "dropped+1+2@c.example", "Dropped+@d.e"]
)
def test_failure_is_chosen_by_the_local_part_alone(email):
    """The domain, the case and a suffix after a plus sign make no difference."""
    assert failure_for(email) is Mishap.DROPPED


@pytest.mark.parametrize(
    "email", ["ada@example.com", "dropped.ada@a.example", "ada@dropped", "ada+dropped@a.b"]
)
def test_other_addresses_do_not_fail(email):
    """Only the whole local part asks for a failure."""
    assert failure_for(email) is None
