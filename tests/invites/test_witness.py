"""An invite of ours is looked up just after it was made, now and then."""

from __future__ import annotations

import asyncio

import pytest

from gateway.invites.witness import EVERY_SECONDS, LIMITED_SECONDS
from gateway.upstream.wire import Reply
from tests.fakes.invites import CUTS_THE_BODY, LOSES_THE_REPLY, MemoryStore, a_replica, answers
from tests.fakes.records import a_record, a_request


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def replica(store):
    return await a_replica(store)


async def invite(replica, name: str, *, track_id: int = 6578):
    """What is noted of the invite once nothing is under way any more."""
    request = a_request(candidate_email=f"{name}@example.com", track_id=track_id)
    await replica.invite(request, key=name)
    identity = replica.records.hasher.identify(request, name, scope="")
    return (await replica.records.store.read(identity.record_id)).witness


async def test_shown_invite_is_noted(replica):
    """It was seen before anybody could act on it."""
    assert await invite(replica, "ada") is True
    assert replica.upstream.looks == 1


async def test_hidden_invite_is_noted_too(replica):
    """A list that shows people once they have acted proves no absence."""
    replica.upstream.opened = set()

    assert await invite(replica, "ada") is False


async def test_one_look_in_ten_minutes_is_enough(store, replica):
    """On each track; the platform is not asked with every invite."""
    noted = [await invite(replica, "a"), await invite(replica, "b")]
    elsewhere = await invite(replica, "c", track_id=1)
    replica.clock.now += EVERY_SECONDS
    later = await invite(replica, "d")

    assert (noted, elsewhere, later) == ([True, None], True, True)
    assert replica.upstream.looks == 3
    # Nor is the store asked.
    assert store.calls["lease"] == 3


async def test_other_process_on_the_same_store_does_not_look_again(store, replica):
    """Replicas share the ten minutes."""
    other = await a_replica(store, upstream=replica.upstream, clock=replica.clock)

    assert await invite(replica, "a") is True
    assert await invite(other, "b") is None


@pytest.mark.parametrize(("after", "seconds"), [("30", 30), (None, LIMITED_SECONDS)])
async def test_limited_platform_is_left_in_peace(replica, after, seconds):
    """After a 429 nothing is asked that is not needed."""
    replica.witness_looks.limited(None if after is None else int(after))
    replica.clock.now += seconds - 1
    before = await invite(replica, "a")
    replica.clock.now += 1

    assert before is None
    assert await invite(replica, "b") is True


@pytest.mark.parametrize("act", [CUTS_THE_BODY, LOSES_THE_REPLY, answers(400), answers(429)])
async def test_only_an_invite_with_its_application_is_looked_up(replica, act):
    """What was found in the list itself, or not made, proves nothing of the list."""
    replica.upstream.acts += [act] * 3

    assert await invite(replica, "ada") is None


async def test_record_without_an_application_is_not_looked_up(replica):
    """There is nothing to look for."""
    await replica.witness_looks.look(a_record(), seconds_left=9)

    assert replica.upstream.looks == 0


async def test_slow_list_is_not_waited_for_long(replica, monkeypatch, caplog):
    """The invite was made: its caller gets it in time."""
    monkeypatch.setattr("gateway.invites.witness._LONGEST_SECONDS", 0.01)
    replica.upstream.list_free.clear()

    assert await invite(replica, "ada") is None
    assert "it takes too long" in caplog.text


async def test_nobody_is_told_before_the_look(replica, monkeypatch):
    """Whoever has the link can open it, and is listed then even by a list that hides others."""
    replica.upstream.opened = set()
    replica.upstream.list_free.clear()
    asked = asyncio.create_task(replica.invite())
    while not replica.upstream.looks:  # noqa: ASYNC110 - the fake says no more
        await asyncio.sleep(0)

    assert not asked.done()
    replica.upstream.list_free.set()
    await asked


async def test_unreadable_list_proves_nothing(replica):
    """Neither that it shows the invite, nor that it does not."""
    replica.upstream.list_reply = Reply(500)

    assert await invite(replica, "ada") is None


async def test_failing_store_costs_no_more_than_the_witness(store, replica, caplog):
    """It is said, and nothing else happens."""
    store.fail("lease")

    assert await invite(replica, "ada") is None
    assert "could not be noted" in caplog.text
    assert "disk full" in caplog.text


async def test_tracks_are_forgotten_in_their_order(store, replica, monkeypatch):
    """What is remembered has a limit."""
    monkeypatch.setattr("gateway.invites.witness._MOST_TRACKS", 2)

    for track_id in (1, 2, 3):
        await invite(replica, f"{track_id}", track_id=track_id)

    replica.clock.now += EVERY_SECONDS
    await invite(replica, "again", track_id=2)

    assert list(replica.witness_looks._next) == [3, 2]
