"""Records in doubt come to an end, or it is said why not."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gateway.invites.doubt import Doubt
from gateway.invites.models import InviteSuccess
from gateway.invites.reconciler import OpenRecord, Report
from gateway.invites.record import State, settled
from gateway.upstream.wire import Reply
from tests.fakes.invites import (
    DIES_BEFORE_IT_ACTS,
    LOSES_THE_REPLY,
    QUIET_SECONDS,
    MemoryStore,
    a_replica,
    with_a_witness,
)
from tests.fakes.records import LEASE_SECONDS, NOW, a_record


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def replica(store):
    """A gateway with an invite behind it that the list shows."""
    replica = await a_replica(store)
    await with_a_witness(replica)
    return replica


async def in_doubt(replica, act, key: str = "key-1") -> None:
    replica.upstream.list_reply = Reply(500)
    replica.upstream.acts.append(act)
    await replica.invite(key=key)
    replica.upstream.list_reply = None


async def test_listed_invite_is_settled(replica):
    """An invite whose reply was lost is found, and its caller gets it."""
    await in_doubt(replica, LOSES_THE_REPLY)

    report = await replica.reconciler.reconcile()
    answer = await replica.invite()

    assert (report.invited, report.final) == (1, True)
    assert isinstance(answer, InviteSuccess)
    assert answer.replayed


async def test_absent_invite_is_released_at_the_second_look(store, replica):
    """What the list does not show after the quiet period was not made; its key is free again."""
    await in_doubt(replica, DIES_BEFORE_IT_ACTS)

    first = await replica.reconciler.reconcile()
    replica.clock.now += QUIET_SECONDS
    second = await replica.reconciler.reconcile()
    answer = await replica.invite()

    assert [left.why for left in first.open] == [Doubt.NOT_LISTED]
    assert first.worth_waiting
    assert (second.released, second.final) == (1, True)
    assert isinstance(answer, InviteSuccess)
    assert not answer.replayed


async def test_lagging_list_is_not_believed(replica):
    """An invite that the list shows late is still found, not sent again."""
    await in_doubt(replica, LOSES_THE_REPLY)
    replica.upstream.listed_from = replica.clock.now + QUIET_SECONDS

    await replica.reconciler.reconcile()
    replica.clock.now += QUIET_SECONDS
    report = await replica.reconciler.reconcile()

    assert (report.invited, report.released) == (1, 0)


async def test_abandoned_claim_is_settled(store, replica):
    """What a crash left behind is looked up once its lease is over, not before."""
    store.records[a_record().record_id] = a_record(lease_until=replica.clock.now + 1)
    replica.upstream.add("ada@example.com")

    before = await replica.reconciler.reconcile()
    replica.clock.now += 1
    after = await replica.reconciler.reconcile()

    assert (before.invited, before.in_flight, before.worth_waiting) == (0, 1, True)
    assert not before.final
    assert (after.invited, after.in_flight) == (1, 0)


async def test_without_witness_nothing_is_released(store):
    """A list that was never seen to show an invite is no proof of absence."""
    replica = await a_replica(store)
    store.records[a_record().record_id] = a_record()
    replica.clock.now += LEASE_SECONDS
    await replica.reconciler.reconcile()
    replica.clock.now += QUIET_SECONDS

    report = await replica.reconciler.reconcile()

    assert [left.why for left in report.open] == [Doubt.NO_WITNESS]
    assert not report.worth_waiting


@pytest.mark.parametrize(
    ("reads_back", "reply", "why"),
    [
        (False, None, Doubt.OFF),
        (True, Reply(403), Doubt.REFUSED),
        (True, Reply(500), Doubt.UNREADABLE),
    ],
)
async def test_what_stays_open_says_why(store, reads_back, reply, why):
    """Where nothing can be read back, records stay as they are."""
    replica = await a_replica(store, reads_back=reads_back)
    replica.upstream.list_reply = reply
    record = settled(a_record(), State.UNKNOWN, now=NOW)
    store.records[record.record_id] = record

    report = await replica.reconciler.reconcile()

    assert [left.why for left in report.open] == [why]
    kept = store.records[record.record_id]
    assert (kept.state, kept.doubt) == (State.UNKNOWN, why if reads_back else None)
    assert not report.final


async def test_many_records_of_one_track_need_one_list(store, replica):
    """All records are visited, in pages, and each track's list is fetched once a page."""
    for number in range(450):
        email = f"{number}@example.com"
        record = replace(
            a_record(f"{number}", lease_until=NOW), email_hash=replica.records.hasher.email(email)
        )
        store.records[record.record_id] = record
        replica.upstream.add(email)
    looks = replica.upstream.looks
    seen = []

    report = await replica.reconciler.reconcile(progress=lambda r: seen.append(r.invited))

    assert report.invited == 450
    assert seen == [200, 400, 450]
    # The list has three pages.
    assert replica.upstream.looks - looks == 9


DAY = 86_400


async def test_purge_spares_the_young_and_the_open(store, replica):
    """Settled records go after their time; what is open never does."""
    for number in range(1200):
        record = settled(a_record(f"{number}"), State.INVITED, now=NOW)
        store.records[record.record_id] = record
    unknown = settled(a_record("open"), State.UNKNOWN, now=NOW)
    store.records[unknown.record_id] = unknown
    await replica.reconciler.purge()
    replica.clock.now = NOW + DAY + 700

    assert await replica.reconciler.purge() == 1201
    assert list(store.records.values()) == [unknown]


@pytest.mark.parametrize("ran_before", [0, DAY / 2, 3 * DAY])
async def test_wall_clock_that_was_set_forward_purges_nothing(store, replica, ran_before):
    """Its records look old and are not; they go once the time has truly passed."""
    await replica.reconciler.purge()
    replica.clock.now += ran_before
    record = settled(a_record("young"), State.INVITED, now=replica.clock.now)
    store.records[record.record_id] = record
    replica.clock.wall_ahead = 10 * DAY

    at_once = await replica.reconciler.purge()
    replica.clock.now += DAY - 1
    just_before = await replica.reconciler.purge()
    replica.clock.now += 1
    after = await replica.reconciler.purge()

    assert (at_once, just_before) == (0, 0)
    assert after >= 1
    assert record.record_id not in store.records


async def test_records_are_kept_a_little_longer_than_said(store, replica):
    """As the clocks may drift apart, unnoticed, by ten minutes."""
    await replica.reconciler.purge()
    record = settled(a_record("young"), State.INVITED, now=replica.clock.now)
    store.records[record.record_id] = record
    replica.clock.now += DAY + 600

    just_before = await replica.reconciler.purge()
    kept = record.record_id in store.records
    replica.clock.now += 1
    await replica.reconciler.purge()

    assert kept, just_before
    assert record.record_id not in store.records


async def test_wall_clock_that_is_corrected_a_little_hinders_no_purge(store, replica):
    """Time servers do so all the time."""
    await replica.reconciler.purge()
    replica.clock.now += DAY + 700
    replica.clock.wall_ahead = 30

    assert await replica.reconciler.purge() == 1


async def test_doubt_that_is_known_is_reported_where_nothing_is_read_back(store):
    """It says more than that reading back is off."""
    replica = await a_replica(store, reads_back=False)
    record = settled(a_record(), State.UNKNOWN, now=NOW, doubt=Doubt.RIVALS)
    store.records[record.record_id] = record

    report = await replica.reconciler.reconcile()

    assert [left.why for left in report.open] == [Doubt.RIVALS]


async def test_restart_does_not_forget_how_long_the_clocks_ran(store, replica):
    """Gateways that are restarted every day purge all the same."""
    await replica.reconciler.purge()
    replica.clock.now += DAY + 700
    again = await a_replica(store, upstream=replica.upstream, clock=replica.clock)

    assert await again.reconciler.purge() == 1


async def test_rebooted_machine_waits_anew(store, replica):
    """What its clock did meanwhile is not known."""
    await replica.reconciler.purge()
    replica.clock.now += DAY + 700
    replica.clock.boot = "another"

    assert await replica.reconciler.purge() == 0


async def running(replica, until) -> None:
    task = asyncio.create_task(replica.reconciler.run(interval_seconds=0.001))
    while not until():  # noqa: ASYNC110 - it happens in the task
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def test_works_in_the_background(store, replica):
    """Without anybody asking, what is in doubt is settled."""
    await in_doubt(replica, LOSES_THE_REPLY)

    await running(replica, lambda: State.UNKNOWN not in [r.state for r in store.records.values()])


@pytest.mark.parametrize("fault", ["store", "bug"])
async def test_background_work_outlives_failures(store, replica, fault, caplog):
    """A pass that fails is said, and the next one comes."""
    await in_doubt(replica, LOSES_THE_REPLY)
    if fault == "store":
        store.fail("doubtful")
    else:
        store.doubtful, kept = None, store.doubtful

    def mended() -> bool:
        if fault == "bug" and "reconciling failed" in caplog.text:
            store.doubtful = kept
        return State.UNKNOWN not in [record.state for record in store.records.values()]

    await running(replica, mended)

    assert "reconciling" in caplog.text
    # Only a bug's origin is worth a traceback.
    assert ("Traceback" in caplog.text) is (fault == "bug")


async def test_one_of_many_works(store, replica):
    """While another gateway holds the lease, this one leaves the work to it."""
    await in_doubt(replica, LOSES_THE_REPLY)
    await store.lease("reconciler", "another", now=NOW, until=replica.clock.now + 60)
    asked = store.calls["lease"]

    await running(replica, lambda: store.calls["lease"] > asked + 1)

    assert store.calls["doubtful"] == 0


async def test_purges_in_the_background(store, replica):
    """Settled records go without anybody asking."""
    await replica.reconciler.purge()
    replica.clock.now += DAY + 700

    await running(replica, lambda: store.records == {})


async def test_lease_outlasts_a_late_pass(store, replica):
    """The process that works keeps the work, even if its next pass is late."""
    await running(replica, lambda: "reconciler" in store.leases)

    _, until = store.leases["reconciler"]
    assert until == replica.clock().wall + 0.003


async def test_passes_are_an_interval_apart(replica, monkeypatch):
    """Replicas that start together do not ask the platform together, nor one all the time."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 50:
            raise asyncio.CancelledError

    monkeypatch.setattr("gateway.invites.reconciler.asyncio", SimpleNamespace(sleep=sleep))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(replica.reconciler.run(interval_seconds=60), 20)

    assert 30 <= min(slept) < max(slept) <= 60


async def test_each_open_record_is_reported_once(store):
    """Also where several fit on one page."""
    replica = await a_replica(store, reads_back=False)
    for number in range(3):
        record = a_record(f"{number}", lease_until=NOW)
        store.records[record.record_id] = record

    report = await replica.reconciler.reconcile()

    assert len(report.open) == 3


async def test_record_that_is_settled_meanwhile_is_not_counted_below_zero(store, monkeypatch):
    """Another process settles a record between its look-up and the count."""
    replica = await a_replica(store, reads_back=False)
    store.records[a_record().record_id] = a_record(lease_until=NOW)

    async def none_left() -> Counter[State]:
        return Counter()

    monkeypatch.setattr(store, "count", none_left)

    assert (await replica.reconciler.reconcile()).in_flight == 0


@pytest.mark.parametrize(
    ("in_flight", "doubts", "worth_waiting"),
    [
        (0, [], False),
        (1, [], True),
        (0, [Doubt.EARLIER], False),
        (0, [Doubt.EARLIER, Doubt.NOT_LISTED], True),
    ],
)
def test_waiting_is_worth_it_where_a_later_look_settles_more(in_flight, doubts, worth_waiting):
    """Something is in progress, or the quiet period has not passed."""
    report = Report(in_flight=in_flight, open=[OpenRecord(a_record(), why) for why in doubts])

    assert report.worth_waiting is worth_waiting


async def test_abandoned_record_is_not_on_its_way(store):
    """What stays open where nothing is read back is counted once."""
    replica = await a_replica(store, reads_back=False)
    store.records[a_record().record_id] = a_record(lease_until=NOW)
    sending = a_record("sending", lease_until=NOW + 1)
    store.records[sending.record_id] = sending

    report = await replica.reconciler.reconcile()

    assert (len(report.open), report.in_flight) == (1, 1)
