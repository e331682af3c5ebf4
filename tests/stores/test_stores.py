"""What every store promises, over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.invites.clocks import Moment
from gateway.invites.doubt import Doubt
from gateway.invites.record import State, first_claim, left_in_doubt, next_claim, settled
from gateway.invites.store import StoreUnavailableError
from tests.fakes.records import HASHER, LEASE_SECONDS, NOW, a_record, a_request


async def test_reads_what_was_inserted(store):
    """A record comes back as it was written."""
    record = a_record(
        answer=b'{"a": 1}',
        absent=Moment(NOW + 0.25, 12.5, "boot"),
        track_id=2**63 - 1,
        doubt=Doubt.EARLIER,
        witness=False,
    )

    inserted = await store.insert(record)

    assert inserted
    assert await store.read(record.record_id) == record


async def test_unknown_id_reads_nothing(store):
    """A key that was never used has no record."""
    assert await store.read(a_record().record_id) is None


async def test_one_of_racing_inserts_wins(store):
    """Of many claims of one key at once, exactly one gets it."""
    record = a_record()

    wins = await asyncio.gather(*(store.insert(record) for _ in range(50)))

    assert sum(wins) == 1


async def test_one_of_racing_takeovers_wins(store):
    """Of many requests that take over one abandoned record, exactly one does."""
    record = a_record()
    await store.insert(record)
    after = next_claim(record, now=NOW + 100, lease_seconds=LEASE_SECONDS)

    wins = await asyncio.gather(*(store.swap(after, was=record) for _ in range(20)))

    assert sum(wins) == 1
    assert await store.read(record.record_id) == after


async def test_stale_settle_changes_nothing(store):
    """A settle of an attempt that was taken over is refused."""
    record = a_record()
    await store.insert(record)
    after = next_claim(record, now=NOW + 100, lease_seconds=LEASE_SECONDS)
    await store.swap(after, was=record)

    swapped = await store.swap(settled(record, State.INVITED, now=NOW), was=record)

    assert not swapped
    assert await store.read(record.record_id) == after


async def test_records_survive_reopening(make_store):
    """What was committed is there after a restart, and the tables are not made twice."""
    record = a_record()
    first = make_store()
    await first.open()
    await first.insert(record)
    await first.close()

    second = make_store()
    await second.open()
    found = await second.read(record.record_id)
    inserted = await second.insert(a_record("another"))
    await second.close()

    assert found == record
    assert inserted


async def test_each_of_a_batch_gets_its_own_answer(store):
    """Of many writes at once, those that find another record say so, and only those."""
    old = [a_record(f"{n}") for n in range(0, 40, 3)]
    for record in old:
        await store.insert(record)
    new = [a_record(f"{n}") for n in range(40)]

    inserted = await asyncio.gather(*(store.insert(record) for record in new))
    stale = [replace(record, attempt=9) if n % 3 else record for n, record in enumerate(new)]
    ends = [settled(record, State.INVITED, now=NOW + n) for n, record in enumerate(new)]
    swapped = await asyncio.gather(
        *(store.swap(end, was=was) for end, was in zip(ends, stale, strict=True))
    )

    assert inserted == [n % 3 != 0 for n in range(40)]
    assert swapped == [n % 3 == 0 for n in range(40)]
    for n, record in enumerate(new):
        assert await store.read(record.record_id) == (record if n % 3 else ends[n])


async def test_key_that_is_twice_in_a_batch_is_claimed_once(store):
    """Two requests of one process may bring the same key at the same moment."""
    keys = [f"{n % 10}" for n in range(30)]

    inserted = await asyncio.gather(*(store.insert(a_record(key)) for key in keys))

    assert inserted == [n < 10 for n in range(30)]


async def test_steps_of_one_record_in_a_batch(store):
    """Writes of one record that follow each other in a batch see each other."""
    record = a_record()
    await store.insert(record)
    unknown = settled(record, State.UNKNOWN, now=NOW)
    later = next_claim(unknown, now=NOW + 100, lease_seconds=LEASE_SECONDS)

    answers = await asyncio.gather(
        store.swap(unknown, was=record),
        store.swap(settled(record, State.INVITED, now=NOW), was=record),
        store.swap(later, was=unknown),
    )

    assert [*answers] == [True, False, True]
    assert await store.read(record.record_id) == later


@pytest.mark.parametrize("place", [0, 6, 12])
async def test_record_that_cannot_be_written_spoils_no_other(store, place):
    """The others of its batch are written, and it is not."""
    records = [a_record(f"{n}") for n in range(13)]
    records[place] = bad = replace(records[place], caller="half of a sign: \ud800")

    answers = await asyncio.gather(
        *(store.insert(record) for record in records), return_exceptions=True
    )

    failure = answers.pop(place)
    assert isinstance(failure, StoreUnavailableError)
    assert "half" not in str(failure)
    assert answers == [True] * 12
    assert await store.read(bad.record_id) is None


async def test_doubtful_lists_unknown_and_abandoned(store):
    """Only records that nobody is working on are listed, in pages."""
    unknown = settled(a_record("unknown"), State.UNKNOWN, now=NOW)
    abandoned = a_record("abandoned", lease_until=NOW)
    for record in (
        unknown,
        abandoned,
        a_record("sending", lease_until=NOW + 1),
        settled(a_record("invited"), State.INVITED, now=NOW),
        settled(a_record("released"), State.RELEASED, now=NOW),
    ):
        await store.insert(record)

    first = await store.doubtful(now=NOW, limit=1)
    second = await store.doubtful(now=NOW, after=first[0].record_id, limit=1)
    third = await store.doubtful(now=NOW, after=second[0].record_id, limit=1)

    expected = sorted((unknown, abandoned), key=lambda record: record.record_id)
    assert [*first, *second, *third] == expected


async def test_records_of_a_person_are_found_by_track(store):
    """Whatever the key and the state; another person's and another track's are not among them."""
    own = [a_record("1"), settled(a_record("2"), State.INVITED, now=NOW + 1)]
    other = a_request(candidate_email="bob@example.com")
    strangers = [
        a_record("3", track_id=1),
        first_claim(HASHER.identify(other, "4", scope=""), now=NOW, lease_seconds=1),
    ]
    for record in (*own, *strangers):
        await store.insert(record)

    found = await store.of_person(own[0].email_hash, own[0].track_id)

    assert found == own[::-1]


async def test_latest_witnesses_come_first(store):
    """Invites of the track that were looked up at once, seen or not."""
    for age in (30, 20, 10):
        seen = replace(a_record(f"{age}"), witness=age != 20)
        await store.insert(settled(seen, State.INVITED, now=NOW - age))
    await store.insert(settled(a_record("never looked up"), State.INVITED, now=NOW))
    await store.insert(settled(a_record("else", track_id=1, witness=True), State.INVITED, now=NOW))
    await store.insert(settled(a_record("open", witness=True), State.UNKNOWN, now=NOW))

    found = await store.witnesses(a_record().track_id)

    assert [(NOW - record.updated_at, record.witness) for record in found] == [
        (10, True),
        (20, False),
        (30, True),
    ]


async def test_purge_spares_open_records(store):
    """However old they are, records that are not settled stay."""
    old = NOW - 1000
    for state in State:
        await store.insert(settled(a_record(state.value), state, now=old))
    await store.insert(settled(a_record("young"), State.INVITED, now=NOW))

    gone = [await store.purge(before=NOW - 500, limit=2) for _ in range(3)]

    assert gone == [2, 1, 0]
    assert await store.count() == {State.SENDING: 1, State.UNKNOWN: 1, State.INVITED: 1}


async def test_purge_spares_who_was_invited_from_a_list(store):
    """Records of persons are kept for good."""
    person = HASHER.identify_person(a_request(), account="platform.example")
    claim = first_claim(person, now=NOW - 1000, lease_seconds=LEASE_SECONDS)
    await store.insert(settled(claim, State.INVITED, now=NOW - 1000))
    await store.insert(settled(a_record(), State.INVITED, now=NOW - 1000))

    gone = await store.purge(before=NOW, limit=9)

    assert gone == 1
    assert await store.read(person.record_id) is not None


async def test_first_value_is_remembered(store):
    """Of many who bring a value under one name, all get the same one back."""
    values = await asyncio.gather(*(store.remember("secret", bytes([n])) for n in range(20)))

    assert len(set(values)) == 1


async def test_lease_has_one_holder(store):
    """A lease is refused to others until it ends, and renewed for its holder."""
    taken = [
        await store.lease("reconciler", "a", now=NOW, until=NOW + 10),
        await store.lease("reconciler", "b", now=NOW + 5, until=NOW + 15),
        await store.lease("reconciler", "a", now=NOW + 6, until=NOW + 16),
        await store.lease("reconciler", "b", now=NOW + 16, until=NOW + 26),
    ]

    assert taken == [True, False, True, True]


async def test_absence_is_kept(store):
    """When the list was first seen without the candidate survives on disk."""
    record = a_record()
    await store.insert(record)
    now = Moment(NOW + 70, 70, "boot")
    absent = left_in_doubt(record, Doubt.NOT_LISTED, now=now, quiet_seconds=1)

    await store.swap(absent, was=record)

    assert await store.read(record.record_id) == absent


async def test_ping_writes(store):
    """A store that works answers a ping, as often as it is asked."""
    await store.ping()
    await store.ping()


async def test_closed_store_says_so(make_store):
    """A store that is not open refuses to work instead of waiting for ever."""
    store = make_store()

    with pytest.raises(StoreUnavailableError, match="closed"):
        await store.read(b"")


async def test_close_twice_is_harmless(make_store):
    """Closing again, or before opening, does nothing."""
    store = make_store()
    await store.close()
    await store.open()

    await store.close()
    await store.close()
