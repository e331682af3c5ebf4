"""Records in PostgreSQL, shared by any number of gateways."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from gateway.invites.identity import HASH_BYTES
from gateway.invites.record import Record, State
from gateway.invites.store import StoreError, StoreUnavailableError
from gateway.stores.rows import COLUMNS, from_row, migrations, pending, to_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Any fixed number will do, as long as every gateway takes the same.
_MIGRATION_LOCK: Final = 7_208_315_021_914_006

_VALUES: Final = "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12"
_INSERT: Final = (
    f"INSERT INTO invite_records ({COLUMNS}) VALUES ({_VALUES})"  # noqa: S608 - constant
    " ON CONFLICT DO NOTHING RETURNING attempt"
)
_SWAP: Final = (
    f"UPDATE invite_records SET ({COLUMNS}) = ({_VALUES})"  # noqa: S608 - constant
    " WHERE record_id = $1 AND attempt = $13 AND state = $14 RETURNING attempt"
)
_READ: Final = f"SELECT {COLUMNS} FROM invite_records WHERE record_id = $1"  # noqa: S608 - constant
_DOUBTFUL: Final = (
    f"SELECT {COLUMNS} FROM invite_records"  # noqa: S608 - constant
    " WHERE state IN ('sending', 'unknown') AND record_id > $1"
    " AND (state = 'unknown' OR lease_until <= $2) ORDER BY record_id LIMIT $3"
)
_INVITED: Final = (
    f"SELECT {COLUMNS} FROM invite_records"  # noqa: S608 - constant
    " WHERE state = 'invited' AND updated_at < $1 ORDER BY updated_at DESC LIMIT $2"
)
_PURGE: Final = (
    "WITH old AS (SELECT record_id FROM invite_records"  # noqa: S608 - constant
    " WHERE state IN ('invited', 'refused', 'released') AND updated_at < $1"
    f" AND length(record_id) = {HASH_BYTES}"
    " LIMIT $2 FOR UPDATE SKIP LOCKED),"
    " gone AS (DELETE FROM invite_records USING old"
    " WHERE invite_records.record_id = old.record_id RETURNING 1)"
    " SELECT count(*) FROM gone"
)
_REMEMBER: Final = "INSERT INTO gateway_meta VALUES ($1, $2) ON CONFLICT DO NOTHING"
_LEASE: Final = (
    "INSERT INTO gateway_leases AS held (name, holder, until) VALUES ($1, $2, $3)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    " WHERE held.holder = excluded.holder OR held.until <= $4 RETURNING name"
)
_PING: Final = (
    "INSERT INTO gateway_meta VALUES ('ping', '')"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class PostgresStore:
    """A Store in the database that `url` names."""

    def __init__(self, url: str, *, connections: int = 10, timeout_seconds: float = 5.0) -> None:
        self._url = url
        self._connections = connections
        self._timeout_seconds = timeout_seconds
        self._open_pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        try:
            pool = await asyncpg.create_pool(
                self._url,
                min_size=1,
                max_size=self._connections,
                timeout=self._timeout_seconds,
                command_timeout=self._timeout_seconds,
                # One statement at a time leaves nothing behind on a connection.
                reset=_nothing,
                # A claim must survive the server's crash, whatever the database's default is.
                server_settings={
                    "synchronous_commit": "on",
                    "application_name": "track-invite-gateway",
                },
            )
        except Exception as error:
            raise StoreError(f"cannot reach the PostgreSQL store: {_why_not(error)}") from error
        try:
            await self._migrate(pool)
        except BaseException:
            pool.terminate()
            raise
        self._open_pool = pool

    async def close(self) -> None:
        pool, self._open_pool = self._open_pool, None
        if pool is not None:
            # A server that hangs or is gone takes no leave; the pool then ends by itself.
            with suppress(StoreUnavailableError), _failures():
                async with asyncio.timeout(self._timeout_seconds):
                    await pool.close()

    async def read(self, record_id: bytes) -> Record | None:
        rows = await self._rows(_READ, record_id)
        return from_row(rows[0]) if rows else None

    async def insert(self, record: Record) -> bool:
        return bool(await self._rows(_INSERT, *to_row(record)))

    async def swap(self, record: Record, *, was: Record) -> bool:
        return bool(await self._rows(_SWAP, *to_row(record), was.attempt, was.state.value))

    async def doubtful(
        self, *, now: float, after: bytes = b"", limit: int = 200
    ) -> Sequence[Record]:
        return [from_row(row) for row in await self._rows(_DOUBTFUL, after, now, limit)]

    async def latest_invited(self, *, before: float, limit: int) -> Sequence[Record]:
        return [from_row(row) for row in await self._rows(_INVITED, before, limit)]

    async def purge(self, *, before: float, limit: int) -> int:
        [(gone,)] = await self._rows(_PURGE, before, limit)
        return int(gone)

    async def count(self) -> Mapping[State, int]:
        rows = await self._rows("SELECT state, count(*) FROM invite_records GROUP BY state")
        return {State(state): count for state, count in rows}

    async def remember(self, name: str, value: bytes) -> bytes:
        # Two statements: one would not see a row that another gateway is inserting.
        await self._rows(_REMEMBER, name, value)
        [(kept,)] = await self._rows("SELECT value FROM gateway_meta WHERE name = $1", name)
        return bytes(kept)

    async def lease(self, name: str, holder: str, *, now: float, until: float) -> bool:
        return bool(await self._rows(_LEASE, name, holder, until, now))

    async def ping(self) -> None:
        await self._rows(_PING)

    async def _rows(self, statement: str, *values: object) -> Sequence[Sequence[Any]]:
        pool = self._open_pool
        if pool is None:
            raise StoreUnavailableError("the store is closed")
        with _failures():
            async with asyncio.timeout(self._timeout_seconds), pool.acquire() as connection:
                try:
                    rows: Sequence[Sequence[Any]] = await connection.fetch(statement, *values)
                except (TimeoutError, asyncio.CancelledError):
                    # A server that hangs would be waited for once more, to take the question back.
                    connection.terminate()
                    raise
                return rows

    async def _migrate(self, pool: asyncpg.Pool) -> None:
        scripts = migrations("postgres")
        with _failures():
            async with pool.acquire() as connection, connection.transaction():
                await _check_flushing(connection)
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
                await connection.execute(
                    "CREATE TABLE IF NOT EXISTS gateway_schema (version integer NOT NULL)"
                )
                done = await connection.fetchval("SELECT max(version) FROM gateway_schema") or 0
                for script in pending(scripts, version=done):
                    await connection.execute(script)
                if done < len(scripts):
                    await connection.execute("INSERT INTO gateway_schema VALUES ($1)", len(scripts))


async def _check_flushing(connection: asyncpg.pool.PoolConnectionProxy) -> None:
    # A pooler in between may leave out what the connection was opened with.
    if await connection.fetchval("SHOW synchronous_commit") != "on":
        raise StoreError(
            "the PostgreSQL store would lose records in a crash: synchronous_commit is not on, and"
            " what is between drops the setting; connect to the server itself"
        )


async def _nothing(_: object) -> None:
    pass


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    # Whatever the driver raises, nobody knows by it what was committed.
    except Exception as error:
        raise StoreUnavailableError(f"the store failed: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What an operator needs to know, without values, URLs or passwords."""
    if isinstance(error, asyncpg.PostgresError):
        # The server's own text may quote a row's values.
        return f"{type(error).__name__} ({error.sqlstate})"
    if isinstance(error, OSError) and str(error):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def _why_not(error: Exception) -> str:
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        # Its text may quote the password, where that was taken for a port or a host.
        return (
            f"its URL cannot be used ({type(error).__name__}); is a parameter wrong, or a special"
            " character of the password not written as %XX?"
        )
    return _reason(error)
