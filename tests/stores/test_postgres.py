"""What is special about records in PostgreSQL."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from gateway.invites.idempotency import StoreError, StoreUnavailableError
from gateway.stores.postgres import PostgresStore
from tests.invites.records import a_record


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


async def test_newer_tables_are_refused(store, postgres_url):
    """A database of a later version is left alone."""
    await store._rows("INSERT INTO gateway_schema VALUES (999)")

    with pytest.raises(StoreError, match="newer gateway"):
        await PostgresStore(postgres_url).open()


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
