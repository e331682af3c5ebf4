"""The tables are made once, by a user who may make them, and used by one who may not."""

from __future__ import annotations

import secrets

import pytest

from gateway.invites.record import State, settled
from gateway.invites.store import StoreError
from gateway.stores.postgres import PostgresStore
from tests.fakes.postgres import execute
from tests.fakes.records import a_record

USE = "SELECT, INSERT, UPDATE, DELETE"


@pytest.fixture
def role(postgres_server, postgres_url):
    """A user with no right but to connect."""
    name = f"role_{secrets.token_hex(4)}"
    execute(postgres_server, f"CREATE ROLE {name} LOGIN")
    yield name
    execute(postgres_url, f"DROP OWNED BY {name}")
    execute(postgres_server, f"DROP ROLE {name}")


async def opened(url: str, *, user: str = "postgres") -> PostgresStore:
    store = PostgresStore(url.replace("postgres:@", f"{user}@"), connections=2)
    await store.open()
    return store


async def why_not(url: str, *, user: str) -> str:
    with pytest.raises(StoreError) as caught:
        await opened(url, user=user)
    return str(caught.value)


async def test_the_right_to_create_is_named(role, postgres_url):
    """An empty database needs a user who may make tables; the statement that helps does help."""
    why = await why_not(postgres_url, user=role)
    grant = f"GRANT CREATE ON SCHEMA public TO {role}"
    execute(postgres_url, grant)
    store = await opened(postgres_url, user=role)
    await store.close()

    assert why == (
        f"the user {role} may not create the store's tables: run `gateway migrate` as a user who"
        f" may, or {grant}"
    )


async def test_the_rights_on_tables_are_named(role, postgres_url):
    """Where the tables are there, each statement that is asked for brings the start further."""
    await (await opened(postgres_url)).close()
    asked: list[str] = []
    while len(asked) < 2:
        asked.append((await why_not(postgres_url, user=role)).partition(": ")[2])
        execute(postgres_url, *asked[-1].split("; "))
    store = await opened(postgres_url, user=role)
    await store.close()

    assert asked == [
        f"GRANT SELECT ON gateway_schema TO {role}",
        "; ".join(
            f"GRANT {USE} ON {table} TO {role}"
            for table in ("gateway_leases", "gateway_meta", "invite_records")
        ),
    ]


async def test_the_smallest_role_is_enough(role, postgres_url):
    """A user who may not create anything does all that the gateway does."""
    execute(postgres_url, f"ALTER DEFAULT PRIVILEGES GRANT {USE} ON TABLES TO {role}")
    await (await opened(postgres_url)).close()
    store = await opened(postgres_url, user=role)
    record = a_record()

    await store.ping()
    assert await store.insert(record)
    assert await store.swap(settled(record, State.REFUSED, now=1.0), was=record)
    assert await store.lease("reconciler", "me", now=1.0, until=2.0)
    assert await store.remember("secret", b"s") == b"s"
    assert await store.purge(before=2.0, limit=10) == 1
    await store.close()


async def test_a_schema_that_may_not_be_used_is_named(role, postgres_url):
    """Without any schema the tables cannot even be looked for."""
    execute(postgres_url, "REVOKE ALL ON SCHEMA public FROM PUBLIC")

    why = await why_not(postgres_url, user=role)

    assert why.endswith(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")


async def test_an_upgrade_is_left_to_the_owner(role, postgres_url):
    """Tables of an older version are named as such to a user who may not change them."""
    await (await opened(postgres_url)).close()
    execute(
        postgres_url,
        "UPDATE gateway_schema SET version = 0",
        f"GRANT SELECT ON gateway_schema TO {role}",
    )

    why = await why_not(postgres_url, user=role)

    assert why == (
        f"the store's tables have to be brought up to date, and {role} does not own them:"
        " run `gateway migrate` as their owner"
    )
