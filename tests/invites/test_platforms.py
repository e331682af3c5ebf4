"""What is told of a lost reply, by how the platform lists people: over real sockets and stores."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from gateway.invites.doubt import Doubt
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import (
    InviteFailure,
    InviteFormat,
    InviteOutcome,
    InviteSuccess,
    Origin,
)
from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from gateway.sandbox.platform import EmailFilter, Listed, Platform, Times
from gateway.service import Service
from tests.crash.run import accepted
from tests.fakes.settings import settings

LOST = "dropped@example.com"
"""The stand-in invites, and closes the connection without a reply."""
INDIA = {"upstream_time_zone": "+05:30"}
FOUND = None


async def told_of(platform: Platform, *, email: str = LOST, repeats: int = 1, **given):
    """The results of a request and its repetitions, and the doubt that is left."""
    async with running_sandbox(create_sandbox(platform)) as address:
        service = Service(
            settings(
                upstream_url=address,
                upstream_api_key=SecretStr(API_KEY),
                store_url=SecretStr("sqlite:///:memory:"),
                **given,
            )
        )
        await service.start()
        try:
            draft = InviteDraft("Ada", email, "6578", InviteFormat.SEND_LINK, "k")
            results = [await service.inviter.invite(draft) for _ in range(1 + repeats)]
            [record] = await service.records.store.of_person(
                service.records.hasher.email(email), 6578
            )
            assert (await accepted(address))[email] == 1
        finally:
            await service.stop()
    return results, record.doubt


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
@pytest.mark.parametrize(
    ("platform", "given", "doubt"),
    [
        (Platform(), {}, FOUND),
        (Platform(times=Times.INDIA), {}, FOUND),
        (Platform(times=Times.LOCAL), INDIA, FOUND),
        (Platform(times=Times.WORDS), INDIA, FOUND),
        (Platform(email_filter=EmailFilter.PATTERN), {}, FOUND),
        (Platform(times=Times.LOCAL), {}, Doubt.UNCLEAR_DATE),
        (Platform(times=Times.WORDS), {}, Doubt.UNCLEAR_DATE),
        (Platform(times=Times.DATE), INDIA, Doubt.UNCLEAR_DATE),
        (Platform(listed=Listed.OPENED), {}, Doubt.NOT_LISTED),
        (Platform(listed=Listed.NEVER), {}, Doubt.NOT_LISTED),
        (Platform(listed=Listed.LATE), {}, Doubt.NOT_LISTED),
        (Platform(), {"read_back": False}, Doubt.OFF),
    ],
)
async def test_lost_reply_is_told_as_what_the_list_proves(kind, platform, given, doubt):
    """A success with its application where no other story fits; else why not."""
    (first, again), left = await told_of(platform, upstream_client=kind, **given)

    assert left is doubt
    if doubt is FOUND:
        assert isinstance(first, InviteSuccess)
        assert again.invite == first.invite
    else:
        assert first.outcome is again.outcome is InviteOutcome.UNKNOWN


async def test_filter_that_takes_addresses_for_patterns_hides_nobody():
    """The whole list is read before anything is concluded from its being empty."""
    email = "dropped+ats@example.com"

    results, left = await told_of(Platform(email_filter=EmailFilter.PATTERN), email=email)

    assert isinstance(results[-1], InviteSuccess)
    assert left is FOUND


async def test_callers_own_key_is_not_looked_up():
    """The gateway cannot read that account's list."""
    async with running_sandbox(create_sandbox()) as address:
        service = Service(
            settings(
                upstream_url=address,
                upstream_api_key_mode="forward",
                upstream_api_key=None,
                store_url=SecretStr("sqlite:///:memory:"),
            )
        )
        await service.start()
        try:
            draft = InviteDraft("Ada", LOST, "6578", InviteFormat.SEND_LINK, "k")
            origin = Origin(upstream_api_key=API_KEY)
            results = [await service.inviter.invite(draft, origin) for _ in range(2)]
        finally:
            await service.stop()

    for result in results:
        assert isinstance(result, InviteFailure)
        assert (result.outcome, result.retryable) == (InviteOutcome.UNKNOWN, False)
