"""Another PostgreSQL server takes over while the gateway runs."""

from __future__ import annotations

import asyncpg
import pytest

from gateway.invites.store import StoreUnavailableError
from gateway.stores.postgres import PostgresStore
from tests.fakes.haproxy import command, free_port, running_haproxy
from tests.fakes.postgres import execute, running_postgres, running_standby, socket_of
from tests.fakes.records import a_record


@pytest.fixture(scope="module")
def servers():
    """The URLs of a server and of the standby that follows it."""
    with running_postgres() as primary, running_standby(primary) as standby:
        yield primary, standby


async def test_of_several_servers_the_one_that_takes_writes_is_found(servers):
    """The URL may name a standby first."""
    folders = [url.partition("host=")[2] for url in reversed(servers)]
    store = PostgresStore(f"postgresql://postgres@/postgres?host={','.join(folders)}")

    await store.open()
    await store.ping()
    await store.close()


async def test_the_pool_leaves_a_server_that_takes_no_writes(servers, tmp_path):
    """A failover behind a proxy costs one operation, though the connections live on."""
    primary, standby = servers
    port = free_port()
    rules = f"""
listen postgres
  mode tcp
  bind 127.0.0.1:{port}
  server a unix@{socket_of(primary)}
  server b unix@{socket_of(standby)} backup
"""
    with running_haproxy(tmp_path, rules):
        store = PostgresStore(f"postgresql://postgres@127.0.0.1:{port}/postgres", connections=4)
        await store.open()
        claimed = a_record("before")
        await store.insert(claimed)

        await fail_over(primary, standby)
        command(tmp_path, "disable server postgres/a")

        with pytest.raises(StoreUnavailableError, match="25006"):
            await store.ping()
        await store.ping()
        assert await store.insert(a_record("after"))
        assert await store.read(claimed.record_id) == claimed
        await store.close()


async def fail_over(primary: str, standby: str) -> None:
    """The standby has all that was committed; the former server refuses to write."""
    execute(
        primary, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
    )
    execute(standby, "SELECT pg_promote()")
    connection = await asyncpg.connect(standby)
    assert not await connection.fetchval("SELECT pg_is_in_recovery()")
    await connection.close()


async def test_a_server_that_takes_no_writes_is_not_connected_to(servers):
    """Unless the URL asks for one, a standby or a fenced server does not count as reached."""
    primary, _ = servers
    execute(
        primary, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
    )

    with pytest.raises(StoreUnavailableError, match="none of its servers takes writes"):
        await PostgresStore(primary).open()
