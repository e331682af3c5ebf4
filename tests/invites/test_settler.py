"""Writing down how an attempt ended."""

from __future__ import annotations

import asyncio

import pytest

from gateway.invites.record import State, settled
from gateway.invites.settler import Settler
from tests.fakes.invites import MemoryStore
from tests.fakes.records import NOW, a_record

CLAIM = a_record()
OUTCOME = settled(CLAIM, State.INVITED, now=NOW, answer=b"{}")


@pytest.fixture
def store():
    store = MemoryStore()
    store.records[CLAIM.record_id] = CLAIM
    return store


@pytest.fixture
def settler(store):
    return Settler(store, waits=(0, 0, 0))


async def test_settles(store, settler):
    """The claim gives way to its outcome."""
    assert await settler.settle(OUTCOME, claim=CLAIM) is None
    assert store.records[CLAIM.record_id] == OUTCOME


@pytest.mark.parametrize("state", [State.UNKNOWN, State.RELEASED])
async def test_success_outweighs_the_reconciler(store, settler, state):
    """What was concluded in the meantime gives way to a known 2xx of the same attempt."""
    store.records[CLAIM.record_id] = settled(CLAIM, state, now=NOW)

    assert await settler.settle(OUTCOME, claim=CLAIM) is None
    assert store.records[CLAIM.record_id] == OUTCOME


async def test_too_late(store, settler, caplog):
    """After a takeover the record that is there now is told, and stays."""
    later = a_record(attempt=2)
    store.records[CLAIM.record_id] = later

    assert await settler.settle(OUTCOME, claim=CLAIM) == later
    assert store.records[CLAIM.record_id] == later
    assert "changed nothing" in caplog.text


async def test_log_says_why_it_is_late(store, settler, caplog):
    """The operator can tell a full disk from a slow one."""
    store.fail("swap")

    await settler.settle(OUTCOME, claim=CLAIM)
    await settler.drain()

    assert "disk full" in caplog.text


async def test_outcome_that_is_there_already(store, settler, caplog):
    """An earlier try that was committed after all is no loss."""
    store.records[CLAIM.record_id] = OUTCOME

    assert await settler.settle(OUTCOME, claim=CLAIM) is None
    assert caplog.text == ""


async def test_record_that_is_gone(store, settler):
    """A record that was purged in the meantime does not come back."""
    store.records.clear()

    assert await settler.settle(OUTCOME, claim=CLAIM) is None
    assert store.records == {}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("times", [1, 3])
async def test_goes_on_trying(store, settler, when, times):
    """A store that fails for a while gets the outcome in the end."""
    store.fail("swap", when=when, times=times)

    await settler.settle(OUTCOME, claim=CLAIM)
    await settler.drain()

    assert store.records[CLAIM.record_id] == OUTCOME


async def test_gives_up_in_the_end(store, settler, caplog):
    """A store that is gone for good does not keep the gateway from stopping."""
    store.fail("swap", times=99)

    await settler.settle(OUTCOME, claim=CLAIM)
    await settler.drain()

    assert store.records[CLAIM.record_id] == CLAIM
    assert "stays unrecorded" in caplog.text


async def test_waits_longer_between_its_tries(store, monkeypatch):
    """A store in trouble is not asked again at once."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("gateway.invites.settler.asyncio.sleep", sleep)
    settler = Settler(store, waits=(1, 2, 3))
    store.fail("swap", times=99)

    await settler.settle(OUTCOME, claim=CLAIM)
    await settler.drain()

    assert [seconds for seconds in slept if seconds] == [1, 2, 3]


async def test_race_for_the_record(store, settler):
    """A record that changes between look and write is looked at again."""
    store.records[CLAIM.record_id] = settled(CLAIM, State.UNKNOWN, now=NOW)
    read = store.read

    async def reconciled_meanwhile(record_id):
        record = await read(record_id)
        if store.calls["read"] == 1:
            store.records[CLAIM.record_id] = settled(CLAIM, State.RELEASED, now=NOW)
        return record

    store.read = reconciled_meanwhile

    assert await settler.settle(OUTCOME, claim=CLAIM) is None
    assert store.records[CLAIM.record_id] == OUTCOME


async def test_outcome_is_settled_in_the_background(store, settler, caplog):
    """Whoever cannot wait for the store leaves the outcome here."""
    settler.settle_in_background(OUTCOME)
    await settler.drain()

    assert store.records[CLAIM.record_id] == OUTCOME
    assert "not recorded yet: the store takes too long" in caplog.text
    assert not settler._at_work


async def test_store_that_hangs_for_good_is_left(store, settler, caplog):
    """The end of the process is not held up by a store that never answers."""
    store.swap = lambda *_, **__: asyncio.Event().wait()
    before = asyncio.all_tasks()

    settler.settle_in_background(OUTCOME)
    [late] = asyncio.all_tasks() - before
    await settler.drain(seconds=0.01)

    assert late.cancelling()
    assert "stay unrecorded" in caplog.text
