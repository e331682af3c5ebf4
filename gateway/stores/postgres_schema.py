"""The tables in PostgreSQL: checked first, created or changed only if necessary.

So the gateway needs only a role that may use the tables; the role that owns them runs
`gateway migrate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncpg

from gateway.invites.store import StoreError
from gateway.stores.rows import migrations, pending

# An arbitrary number, the same for every gateway.
_MIGRATION_LOCK: Final = 7_208_315_021_914_006
_MISSING_RIGHTS: Final = """
    SELECT tables.name, string_agg(rights.name, ', ' ORDER BY rights.place)
    FROM unnest($1::text[]) AS tables(name),
         unnest($2::text[]) WITH ORDINALITY AS rights(name, place)
    WHERE NOT has_table_privilege(tables.name, rights.name)
    GROUP BY tables.name ORDER BY tables.name"""
_VERSIONS: Final = "gateway_schema"
_TABLES: Final = ("gateway_leases", "gateway_meta", "invite_records")
_RIGHTS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


async def bring_up_to_date(connection: asyncpg.Connection) -> None:
    """Migrate the tables to this version. StoreError names a privilege that is missing."""
    await _check_flushing(connection)
    if not await _is_up_to_date(connection):
        try:
            await _migrate(connection)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError) as error:
            raise StoreError(await _missing_to_migrate(connection)) from error
    await _check_rights(connection, _TABLES, _RIGHTS)


async def look_at(connection: asyncpg.Connection) -> str:
    """Describe the database without changing it. StoreError says why it cannot be used."""
    await _check_flushing(connection)
    version = await connection.fetchval("SHOW server_version")
    if await _is_up_to_date(connection):
        await _check_rights(connection, _TABLES, _RIGHTS)
        return f"PostgreSQL {version}, and the tables are up to date"
    return f"PostgreSQL {version}; the tables are made or brought up to date by `gateway migrate`"


async def _is_up_to_date(connection: asyncpg.Connection) -> bool:
    if await connection.fetchval("SELECT to_regclass($1)", _VERSIONS) is None:
        return False
    await _check_rights(connection, (_VERSIONS,), ("SELECT",))
    return not await _pending(connection)


async def _pending(connection: asyncpg.Connection) -> Sequence[str]:
    done = await connection.fetchval("SELECT max(version) FROM gateway_schema") or 0
    return pending(migrations("postgres"), version=done)


async def _migrate(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        # If several gateways start together, one migrates and the others wait.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS gateway_schema (version integer NOT NULL)"
        )
        scripts = await _pending(connection)
        for script in scripts:
            await connection.execute(script)
        if scripts:
            latest = len(migrations("postgres"))
            await connection.execute("INSERT INTO gateway_schema VALUES ($1)", latest)


async def _missing_to_migrate(connection: asyncpg.Connection) -> str:
    schema, user, exists = await connection.fetchrow(
        "SELECT quote_ident(current_schema()), quote_ident(current_user), to_regclass($1)",
        _VERSIONS,
    )
    if schema is None:
        return (
            f"the user {user} may use no schema of the database:"
            f" GRANT USAGE, CREATE ON SCHEMA public TO {user}"
        )
    if exists is None:
        return (
            f"the user {user} may not create the store's tables: run `gateway migrate` as a user"
            f" who may, or GRANT CREATE ON SCHEMA {schema} TO {user}"
        )
    return (
        f"the store's tables have to be brought up to date, and {user} does not own them:"
        " run `gateway migrate` as their owner"
    )


async def _check_rights(
    connection: asyncpg.Connection, tables: tuple[str, ...], rights: tuple[str, ...]
) -> None:
    missing = await connection.fetch(_MISSING_RIGHTS, tables, rights)
    if missing:
        user = await connection.fetchval("SELECT quote_ident(current_user)")
        grants = "; ".join(f"GRANT {names} ON {table} TO {user}" for table, names in missing)
        raise StoreError(f"the user {user} may not use the store's tables: {grants}")


async def _check_flushing(connection: asyncpg.Connection) -> None:
    # A connection pooler may drop the options that the connection was opened with.
    if await connection.fetchval("SHOW synchronous_commit") != "on":
        raise StoreError(
            "the PostgreSQL store would lose records in a crash: synchronous_commit is not on, and"
            " what is between drops the setting; connect to the server itself"
        )
