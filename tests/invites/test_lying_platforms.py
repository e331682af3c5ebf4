"""Platforms that say one thing and did another, over real sockets through both clients.

Each was found by trying to make the gateway invite twice under one key, or claim what is not so.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.invites.models import InviteErrorCode, InviteOutcome, InviteSuccess
from tests.fakes.invites import QUIET_SECONDS, Clock, MemoryStore
from tests.fakes.outcomes import INTERMEDIARIES
from tests.fakes.records import a_request
from tests.fakes.scripted import core_of_gateway, listing, says, scripted

BOTH_CLIENTS = pytest.mark.parametrize("kind", ["direct", "httpx2"])
EMAIL = a_request().candidate_email
INVITED = says(200, application_id=7, email=EMAIL)
LOST = None
NOT_LISTED = listing()


def entry(*, seconds: float = 0, zone: str = "+00:00", application_id: int = 7):
    """The candidate, listed as added so long after now."""
    date = datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC)
    text = date.replace(tzinfo=None).isoformat() + zone
    return {"application_id": application_id, "email": EMAIL, "date_added": text}


def a_clock() -> Clock:
    return Clock(now=datetime.now(UTC).timestamp())


async def repeated(gateway, clock: Clock, times: int = 3):
    """The results of requests with one key, each after the quiet period of the one before."""
    results = []
    for _ in range(times):
        results.append(await gateway.invite())
        clock.now += QUIET_SECONDS + 1
    return results


@BOTH_CLIENTS
@pytest.mark.parametrize(
    "listed",
    [
        listing(success=False, error="The index is down"),
        listing(error="Try again later"),
        listing(status="error"),
        {**listing(), "pagination": {"has_next": False, "total": 3}},
        {**listing(), "pagination": {"total": 0}},
    ],
    ids=["denied", "error", "status", "total", "no end"],
)
async def test_list_beside_an_error_proves_no_absence(kind, listed):
    """The invite was made, and its reply lost: a broken list does not have it sent again."""
    clock = a_clock()
    async with (
        scripted(LOST, INVITED) as (platform, upstream),
        core_of_gateway(upstream.address, MemoryStore(), kind=kind, clock=clock) as one,
    ):
        platform.listed = listed
        results = await repeated(one, clock)

    assert len(platform.posts) == 1
    assert {result.outcome for result in results} == {InviteOutcome.UNKNOWN}


@BOTH_CLIENTS
async def test_lists_are_asked_for_past_any_cache(kind):
    """An old list has neither the invite nor a sign that it is old (RFC 9111, section 5.2.1.4)."""
    clock = a_clock()
    async with (
        scripted(LOST) as (platform, upstream),
        core_of_gateway(upstream.address, MemoryStore(), kind=kind, clock=clock) as one,
    ):
        await repeated(one, clock, 2)

    assert platform.looks
    assert all(b"\r\ncache-control: no-cache\r\n" in head + b"\r\n" for head in platform.looks)


@BOTH_CLIENTS
async def test_list_that_shrinks_while_it_is_read_proves_no_absence(kind):
    """An entry that moves to a page that was read already is not missing."""

    def page(*ids: int, more: bool, total: int):
        data = [{"application_id": one, "email": f"{one}@example.com"} for one in ids]
        return {"data": data, "pagination": {"has_next": more, "total": total}}

    clock = a_clock()
    async with (
        scripted(LOST, INVITED) as (platform, upstream),
        core_of_gateway(upstream.address, MemoryStore(), kind=kind, clock=clock) as one,
    ):
        platform.pages = [page(1, 2, more=True, total=4), page(4, more=False, total=3)]
        results = await repeated(one, clock)

    assert len(platform.posts) == 1
    assert {result.outcome for result in results} == {InviteOutcome.UNKNOWN}


@BOTH_CLIENTS
@pytest.mark.parametrize(
    ("status", "said"),
    [(409, "No"), (400, "Candidate already invited"), (422, "The applicant exists")],
)
async def test_refusal_that_its_own_lost_invite_may_have_caused_is_none(kind, status, said):
    """The list lagged, the invite was sent again, and the platform knows the candidate."""
    clock = a_clock()
    async with (
        scripted(LOST, says(status, error=said)) as (platform, upstream),
        core_of_gateway(upstream.address, MemoryStore(), kind=kind, clock=clock) as one,
    ):
        *_, refused = await repeated(one, clock)
        platform.listed = listing(entry(seconds=1))
        found = await one.invite()

    assert refused.outcome is InviteOutcome.UNKNOWN
    assert isinstance(found, InviteSuccess)
    assert found.invite.application_id == "7"


@BOTH_CLIENTS
async def test_other_refusal_after_a_lost_reply_is_one(kind):
    """The list has proved that the first attempt did nothing, and this one is refused."""
    clock = a_clock()
    async with (
        scripted(LOST, says(400, error="Track is closed")) as (platform, upstream),
        core_of_gateway(upstream.address, MemoryStore(), kind=kind, clock=clock) as one,
    ):
        *_, refused = await repeated(one, clock)

    assert len(platform.posts) == 2
    assert (refused.code, refused.outcome) == (
        InviteErrorCode.INVALID_INPUT,
        InviteOutcome.NOT_INVITED,
    )


@BOTH_CLIENTS
@pytest.mark.parametrize("hours", [0.5, 5.5, 14])
async def test_entry_dated_in_the_future_is_no_evidence(kind, hours):
    """Local times that are marked as UTC make an old entry look new."""
    clock = a_clock()
    async with (
        scripted(LOST) as (platform, upstream),
        core_of_gateway(upstream.address, MemoryStore(), kind=kind, clock=clock) as one,
    ):
        platform.listed = listing(entry(seconds=3600 * hours))
        result = await one.invite()

    assert result.outcome is InviteOutcome.UNKNOWN


@BOTH_CLIENTS
@pytest.mark.parametrize(
    "said",
    [
        {"message": "Applicant already exists"},
        {"message": "Applicant already exists", "application_id": 7},
        {"application_id": 7, "invite_status": "not_sent"},
        {},
    ],
    ids=str,
)
async def test_success_status_over_a_known_candidate_is_no_invite(kind, said):
    """The candidate was on the track before, and nothing was done."""
    clock = a_clock()
    async with (
        scripted(says(200, **said)) as (platform, upstream),
        core_of_gateway(upstream.address, MemoryStore(), kind=kind, clock=clock) as one,
    ):
        platform.listed = listing(entry(seconds=-90))
        results = await repeated(one, clock)

    assert len(platform.posts) == 1
    assert {result.outcome for result in results} == {InviteOutcome.UNKNOWN}


@BOTH_CLIENTS
@pytest.mark.parametrize(("status", "body"), INTERMEDIARIES.values(), ids=INTERMEDIARIES)
async def test_key_may_send_again_after_a_wrong_route(kind, status, body):
    """What an API gateway in front refused is sent once its configuration is mended."""
    clock = a_clock()
    head = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    async with (
        scripted(head + body, INVITED) as (platform, upstream),
        core_of_gateway(upstream.address, MemoryStore(), kind=kind, clock=clock) as one,
    ):
        refused, invited = await repeated(one, clock, 2)

    assert (refused.code, refused.retryable) == (InviteErrorCode.UPSTREAM_UNAVAILABLE, True)
    assert isinstance(invited, InviteSuccess)
    assert len(platform.posts) == 2
