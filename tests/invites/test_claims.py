"""Claims: one gateway holds one, for half a lease at most."""

from __future__ import annotations

import pytest

from gateway.invites.claims import Claims
from gateway.invites.doubt import Doubt
from gateway.invites.models import ANYONE, Origin
from gateway.invites.record import State, settled
from gateway.invites.store import StoreUnavailableError
from tests.fakes.invites import Clock, MemoryStore
from tests.fakes.records import HASHER, LEASE_SECONDS, NOW, a_record, a_request

IDENTITY = HASHER.identify(a_request(), "key-1", scope="")


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def claims(store, clock):
    return Claims(store, lease_seconds=LEASE_SECONDS, clocks=clock)


async def test_first_claim_is_on_disk(store, claims):
    """A key that was never used gets its record."""
    claim = await claims.take(None, IDENTITY, ANYONE)

    assert claim is not None
    assert claim.record.doubt is None
    assert list(store.records.values()) == [claim.record] == [a_record()]


async def test_claim_names_its_caller(claims):
    """For the operator, who has to settle what stays in doubt."""
    claim = await claims.take(None, IDENTITY, Origin(caller="shop"))

    assert claim.record.caller == "shop"


async def test_claimed_key_is_not_claimed_again(claims):
    """Of two gateways one gets it."""
    await claims.take(None, IDENTITY, ANYONE)

    assert await claims.take(None, IDENTITY, ANYONE) is None


async def test_record_is_taken_over_as_it_was_seen(store, claims):
    """A record that has changed meanwhile is somebody else's."""
    seen = settled(a_record(), State.UNKNOWN, now=NOW)
    store.records[seen.record_id] = seen

    first = await claims.take(seen, IDENTITY, ANYONE)
    second = await claims.take(seen, IDENTITY, ANYONE)

    assert first is not None
    assert (first.record.attempt, second) == (2, None)


async def test_unclear_claim_is_none(store, claims):
    """What may or may not be on disk is raised, so that nothing is sent for it."""
    store.fail("insert", when="after")

    with pytest.raises(StoreUnavailableError):
        await claims.take(None, IDENTITY, ANYONE)


async def test_callers_own_key_is_noted_before_anything_is_sent(claims):
    """After a crash the list of the gateway's own account must not settle it."""
    claim = await claims.take(None, IDENTITY, Origin(upstream_api_key="theirs"))

    assert claim is not None
    assert claim.record.doubt is Doubt.OWN_KEY


@pytest.mark.parametrize("clock_name", ["now", "wall_ahead"])
async def test_claim_ends_with_half_its_lease(claims, clock, clock_name):
    """On either clock: one stands still while the process sleeps, the other may be set."""
    claim = await claims.take(None, IDENTITY, ANYONE)
    setattr(clock, clock_name, getattr(clock, clock_name) + LEASE_SECONDS / 2 - 1)
    before = claim.may_send()
    setattr(clock, clock_name, getattr(clock, clock_name) + 1)

    assert before
    assert not claim.may_send()


async def test_wall_clock_that_was_set_back_does_not_lengthen_a_claim(claims, clock):
    """The other clock goes on."""
    claim = await claims.take(None, IDENTITY, ANYONE)
    clock.wall_ahead -= 3600
    clock.now += LEASE_SECONDS / 2

    assert not claim.may_send()
