"""What is special about records in PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from gateway.invites.record import State, next_claim, settled
from gateway.invites.store import StoreError, StoreUnavailableError
from gateway.stores.postgres import PostgresStore
from tests.fakes.postgres import hanging_connections
from tests.fakes.records import LEASE_SECONDS, NOW, a_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEYS = [f"{n}" for n in range(40)]


@pytest.fixture
async def store(postgres_url):
    store = PostgresStore(postgres_url, connections=2, timeout_seconds=5)
    await store.open()
    yield store
    await store.close()


async def test_gateways_that_start_together_migrate_once(postgres_url):
    """Many gateways that start at once on an empty database all come up."""
    stores = [PostgresStore(postgres_url, connections=1) for _ in range(8)]

    await asyncio.gather(*(store.open() for store in stores))

    wins = await asyncio.gather(*(store.insert(a_record()) for store in stores))
    await asyncio.gather(*(store.close() for store in stores))
    assert sum(wins) == 1


async def test_claims_are_flushed(store):
    """Every commit waits for the disk, whatever the database's default is."""
    [(setting,)] = await store._rows("SHOW synchronous_commit")

    assert setting == "on"


async def test_unflushed_commits_are_refused(postgres_url, monkeypatch):
    """Where a pooler drops the setting, and the database has another, nothing is recorded."""
    admin = await asyncpg.connect(postgres_url)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    await admin.close()
    connect = asyncpg.connect

    def through_a_pooler(*, server_settings, **options):
        return connect(**options)

    monkeypatch.setattr(asyncpg, "connect", through_a_pooler)

    with pytest.raises(StoreError, match="synchronous_commit"):
        await PostgresStore(postgres_url).open()


async def test_newer_tables_are_refused(store, postgres_url):
    """A database of a later version is left alone."""
    await store._rows("INSERT INTO gateway_schema VALUES (999)")

    with pytest.raises(StoreError, match="newer gateway"):
        await PostgresStore(postgres_url).open()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gateway:s3cret/with-a-slash@127.0.0.1/db",
        "postgresql://gateway:s3cret#x@127.0.0.1/db",
        "postgresql://gateway:s3cret?x@127.0.0.1/db",
        "postgresql://gateway:s3cret@ho\u2100st/db",
        "postgresql://gateway:x@127.0.0.1:1/db?sslmode=s3cret",
        "postgresql://gateway:s3cret@127.0.0.1:1/db",
    ],
)
async def test_password_is_not_told(url):
    """A URL that is misread, for a special character in its password, is not quoted."""
    with pytest.raises(StoreError) as caught:
        await PostgresStore(url, timeout_seconds=2).open()

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/none", "postgresql://[broken"])
async def test_unreachable_server_is_an_error_at_start(url):
    """A server that is not there is named in one clear error."""
    with pytest.raises(StoreError, match="cannot reach the PostgreSQL store"):
        await PostgresStore(url, timeout_seconds=2).open()


async def test_lost_server_fails_the_operation(store, postgres_url):
    """A connection that the server cuts ends in the store's own error, and the next one works."""
    admin = await asyncpg.connect(postgres_url)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    slow = asyncio.create_task(store._rows("SELECT pg_sleep(60)"))
    sleepers = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    while not await admin.fetchval(sleepers):  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(0.01)

    await admin.execute(f"{cut} AND datname = current_database()")

    with pytest.raises(StoreUnavailableError):
        await slow
    await store.ping()
    await admin.close()


async def test_error_quotes_no_values(store):
    """The text of an error names its kind only: the server's own words may quote a row."""
    with pytest.raises(StoreUnavailableError) as caught:
        await store._rows("SELECT $1::text::integer", "ada@example.com")

    assert "ada" not in str(caught.value)


async def test_hanging_server_fails_the_operation_in_time(postgres_url):
    """A server that neither answers nor goes away holds nobody up: nor the next, nor the end."""
    store = PostgresStore(postgres_url, connections=1, timeout_seconds=0.5)
    await store.open()

    async with hanging_connections(postgres_url):
        async with asyncio.timeout(5):
            with pytest.raises(StoreUnavailableError):
                await store.ping()
        await store.ping()
        await store.close()


async def test_close_does_not_wait_for_a_hanging_server(postgres_url):
    """Where no leave can be taken, the store ends without."""
    store = PostgresStore(postgres_url, connections=1, timeout_seconds=0.5)
    await store.open()

    async with hanging_connections(postgres_url), asyncio.timeout(5):
        await store.close()


async def test_abandoned_question_frees_its_connection(postgres_url):
    """A caller that stops waiting for a hanging server does not keep the store from closing."""
    store = PostgresStore(postgres_url, connections=1, timeout_seconds=30)
    await store.open()

    async with hanging_connections(postgres_url), asyncio.timeout(5):
        asked = asyncio.create_task(store.ping())
        pool: Any = store._open_pool
        while pool.get_idle_size():  # noqa: ASYNC110 - it is asked by then
            await asyncio.sleep(0.001)
        asked.cancel()
        await asyncio.wait([asked])
        await store.close()

    assert asked.cancelled()


async def test_any_error_of_the_driver_is_the_stores(store, monkeypatch):
    """Also an error that the driver's documentation does not name says nothing of the commit."""

    async def fail(*_, **__):
        raise asyncpg.InternalClientError("ada@example.com")

    monkeypatch.setattr(asyncpg.Connection, "fetch", fail)

    with pytest.raises(StoreUnavailableError, match="InternalClientError") as caught:
        await store.ping()

    assert "ada" not in str(caught.value)


@pytest.fixture
async def rival(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """Another gateway on the same database."""
    store = PostgresStore(postgres_url)
    await store.open()
    yield store
    await store.close()


async def test_writes_that_wait_share_a_transaction(store):
    """One flush to disk for many claims, and one for many settles."""
    records = [a_record(key) for key in KEYS]
    of_which = "SELECT count(DISTINCT xmin::text) FROM invite_records"

    await asyncio.gather(*(store.insert(record) for record in records))
    [(claims,)] = await store._rows(of_which)
    ends = [settled(record, State.INVITED, now=NOW) for record in records]
    await asyncio.gather(
        *(store.swap(end, was=was) for end, was in zip(ends, records, strict=True))
    )
    [(settles,)] = await store._rows(of_which)

    assert claims == settles == 1


async def test_gateways_that_claim_the_same_keys_get_each_once(store, rival):
    """Whatever the order in which two gateways come to the keys of a batch, neither waits for ever."""
    for turn in range(10):
        records = [a_record(f"{turn} {key}") for key in KEYS]

        wins = await asyncio.gather(
            *(store.insert(record) for record in records),
            *(rival.insert(record) for record in reversed(records)),
        )

        own, others = wins[:40], wins[:39:-1]
        assert [one + other for one, other in zip(own, others, strict=True)] == [1] * 40
    assert not await deadlocks(store)


async def test_gateways_that_take_over_the_same_records_get_each_once(store, rival):
    """The same for records that both have seen."""
    records = [a_record(key) for key in KEYS]
    await asyncio.gather(*(store.insert(record) for record in records))
    for turn in range(1, 11):
        claims = [next_claim(r, now=NOW + turn, lease_seconds=LEASE_SECONDS) for r in records]
        both = [*zip(claims, records, strict=True)]

        wins = await asyncio.gather(
            *(store.swap(claim, was=was) for claim, was in both),
            *(rival.swap(claim, was=was) for claim, was in reversed(both)),
        )

        own, others = wins[:40], wins[:39:-1]
        assert [one + other for one, other in zip(own, others, strict=True)] == [1] * 40
        records = claims
    assert not await deadlocks(store)


async def deadlocks(store: PostgresStore) -> int:
    """How many the server has broken off."""
    [(count,)] = await store._rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return int(count)


async def test_connection_that_is_cut_leaves_no_half_of_a_batch(store, postgres_url):
    """Nothing of a transaction that was cut is there, nobody is told otherwise, and life goes on."""
    records = [a_record(key) for key in KEYS]
    last = max(records, key=lambda record: record.record_id)
    admin = await asyncpg.connect(postgres_url)
    held = admin.transaction()
    await held.start()
    await admin.execute(
        "INSERT INTO invite_records (record_id, fingerprint, email_hash, track_id, attempt, state,"
        " created_at, updated_at, first_sent_at, lease_until)"
        " VALUES ($1, '', '', 1, 1, 'sending', 0, 0, 0, 0)",
        last.record_id,
    )
    claims = asyncio.gather(*(store.insert(record) for record in records), return_exceptions=True)
    waiting = (
        "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while not await admin.fetchval(f"SELECT count(*) {waiting}"):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)

    await admin.execute(f"SELECT pg_terminate_backend(pid) {waiting}")
    answers = await claims
    await held.rollback()
    await admin.close()

    assert all(isinstance(answer, StoreUnavailableError) for answer in answers)
    assert await store.count() == {}
    assert all(await asyncio.gather(*(store.insert(record) for record in records)))


async def test_deadlock_with_another_costs_nobody_the_batch(store, postgres_url):
    """A transaction by hand that waits for a record of the batch, and holds another, is survived."""
    records = sorted((a_record(key) for key in KEYS), key=lambda record: record.record_id)
    await asyncio.gather(*(store.insert(record) for record in records))
    ends = [settled(record, State.INVITED, now=NOW) for record in records]
    admin = await asyncpg.connect(postgres_url)
    touch = "UPDATE invite_records SET caller = 'by hand' WHERE record_id = $1"
    held = admin.transaction()
    await held.start()
    await admin.execute("SET LOCAL deadlock_timeout = '1min'")
    await admin.execute(touch, records[-1].record_id)
    writes = asyncio.gather(
        *(store.swap(end, was=was) for end, was in zip(ends, records, strict=True))
    )
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while not await admin.fetchval(waiting):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)

    # It gets the lock once the batch has been broken off, and both go on.
    await admin.execute(touch, records[0].record_id)
    await held.rollback()
    await admin.close()

    assert all(await writes)
