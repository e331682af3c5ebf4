"""Rows of an older version are brought up to date, and say what they said."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import asyncpg

from gateway.invites.clocks import Moment
from gateway.invites.doubt import Doubt
from gateway.invites.record import State, left_in_doubt, settled
from gateway.stores.postgres import PostgresStore
from gateway.stores.rows import COLUMNS, migrations, to_row
from gateway.stores.sqlite import SqliteStore
from tests.fakes.records import NOW, a_record

FIRST_COLUMNS = COLUMNS.partition(", doubt")[0]
WIDTH = FIRST_COLUMNS.count(",") + 1
# As the first version knew them: without the other clock.
ABSENT = replace(settled(a_record(), State.UNKNOWN, now=NOW), absent=Moment(NOW + 5, 0.0, ""))
INVITED = settled(a_record("invited"), State.INVITED, now=NOW, answer=b'{"application_id": "7"}')


async def is_up_to_date(store) -> None:
    await store.open()
    try:
        assert await store.read(ABSENT.record_id) == ABSENT
        assert await store.read(INVITED.record_id) == INVITED
        now = Moment(NOW + 9, 9.0, "boot")
        left = left_in_doubt(ABSENT, Doubt.NOT_LISTED, now=now, quiet_seconds=1)
        assert await store.swap(left, was=ABSENT)
        assert await store.read(ABSENT.record_id) == left
    finally:
        await store.close()


async def test_first_version_of_a_file_is_brought_up_to_date(tmp_path):
    """Its records stay readable, and can say why they are in doubt from then on."""
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.executescript(migrations("sqlite")[0])
        for record in (ABSENT, INVITED):
            marks = ",".join("?" * WIDTH)
            connection.execute(
                f"INSERT INTO invite_records ({FIRST_COLUMNS}) VALUES ({marks})",
                to_row(record)[:WIDTH],
            )
        connection.execute("PRAGMA user_version = 1")
    connection.close()

    await is_up_to_date(SqliteStore(tmp_path / "gateway.db"))


async def test_third_version_of_a_file_loses_nothing(tmp_path):
    """When the table is copied, every column of a record comes along."""
    now = Moment(NOW + 9, 9.0, "boot")
    whole = a_record(
        answer=b"{}",
        absent=now,
        doubt=Doubt.NOT_LISTED,
        witness=True,
        caller="ats",
        lease_until=NOW,
    )
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        for script in migrations("sqlite")[:3]:
            connection.executescript(script)
        marks = ",".join("?" * len(to_row(whole)))
        connection.execute(
            f"INSERT INTO invite_records ({COLUMNS}) VALUES ({marks})", to_row(whole)
        )
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    store = SqliteStore(tmp_path / "gateway.db")

    await store.open()
    found = await store.doubtful(now=NOW)
    await store.close()

    assert found == [whole]


async def test_first_version_of_a_database_is_brought_up_to_date(postgres_url):
    """The same in PostgreSQL."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(migrations("postgres")[0])
        await connection.execute("CREATE TABLE gateway_schema (version integer NOT NULL)")
        await connection.execute("INSERT INTO gateway_schema VALUES (1)")
        for record in (ABSENT, INVITED):
            marks = ",".join(f"${place + 1}" for place in range(WIDTH))
            await connection.execute(
                f"INSERT INTO invite_records ({FIRST_COLUMNS}) VALUES ({marks})",
                *to_row(record)[:WIDTH],
            )
    finally:
        await connection.close()

    await is_up_to_date(PostgresStore(postgres_url))
