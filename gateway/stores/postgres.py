"""Records in PostgreSQL, shared by any number of gateways.

Claims and settles that wait at the same time are sent together, as one transaction without a round
trip in between. Each batch is in the order of the records' ids, so that no two of them, of whatever
gateways, wait for each other.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from gateway.invites.identity import HASH_BYTES
from gateway.invites.record import Record, State
from gateway.invites.store import StoreError, StoreUnavailableError
from gateway.stores.batches import Batches
from gateway.stores.postgres_connection import connect, is_about_a_row, reason, why_not_connected
from gateway.stores.postgres_schema import bring_up_to_date
from gateway.stores.rows import COLUMNS, WIDTH, from_row, to_row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence

    from gateway.stores.batches import Waiting

_Row: TypeAlias = tuple[Any, ...]
# Batches of claims, and of settles: one that hangs must not hold up all others.
_AT_ONCE: Final = 4
_VALUES: Final = ",".join(f"${place}" for place in range(1, WIDTH + 1))
_INSERT: Final = (
    f"INSERT INTO invite_records ({COLUMNS}) VALUES ({_VALUES})"  # noqa: S608 - constant
    f" ON CONFLICT DO NOTHING RETURNING ${WIDTH + 1}::integer"
)
_SWAP: Final = (
    f"UPDATE invite_records SET ({COLUMNS}) = ({_VALUES})"  # noqa: S608 - constant
    f" WHERE record_id = $1 AND attempt = ${WIDTH + 1} AND state = ${WIDTH + 2}"
    f" RETURNING ${WIDTH + 3}::integer"
)
_READ: Final = f"SELECT {COLUMNS} FROM invite_records WHERE record_id = $1"  # noqa: S608 - constant
_DOUBTFUL: Final = (
    f"SELECT {COLUMNS} FROM invite_records"  # noqa: S608 - constant
    " WHERE state IN ('sending', 'unknown') AND record_id > $1"
    " AND (state = 'unknown' OR lease_until <= $2) ORDER BY record_id LIMIT $3"
)
_OF_PERSON: Final = (
    f"SELECT {COLUMNS} FROM invite_records"  # noqa: S608 - constant
    " WHERE email_hash = $1 AND track_id = $2 ORDER BY updated_at DESC LIMIT 100"
)
_WITNESSES: Final = (
    f"SELECT {COLUMNS} FROM invite_records"  # noqa: S608 - constant
    " WHERE track_id = $1 AND witness IS NOT NULL AND state = 'invited'"
    " ORDER BY updated_at DESC LIMIT 10"
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
    """A Store in the database that `url` names; it follows when `url` gives another one."""

    def __init__(
        self,
        url: str | Callable[[], str],
        *,
        connections: int = 10,
        timeout_seconds: float = 5.0,
    ) -> None:
        self._current_url = url if callable(url) else lambda: url
        self._connected_to = ""
        self._connections = connections
        self._timeout_seconds = timeout_seconds
        self._open_pool: asyncpg.Pool | None = None
        self._inserts: Batches[_Row] = Batches(self._begin_inserts, at_once=_AT_ONCE)
        self._swaps: Batches[_Row] = Batches(self._begin_swaps, at_once=_AT_ONCE)
        self._writing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._connected_to = self._current_url()
        pool = await asyncpg.create_pool(
            connect=self._connect,
            min_size=1,
            max_size=self._connections,
            # Single statements leave no session state to reset.
            reset=_nothing,
        )
        try:
            with _failures():
                async with pool.acquire() as connection:
                    await bring_up_to_date(connection)
        except BaseException:
            pool.terminate()
            raise
        self._open_pool = pool

    async def close(self) -> None:
        pool, self._open_pool = self._open_pool, None
        if pool is not None:
            # If the server hangs or is gone, closing fails: the pool then drops its connections.
            with suppress(StoreUnavailableError), _failures():
                async with asyncio.timeout(self._timeout_seconds):
                    await pool.close()

    async def read(self, record_id: bytes) -> Record | None:
        rows = await self._rows(_READ, record_id)
        return from_row(rows[0]) if rows else None

    async def insert(self, record: Record) -> bool:
        inserted: bool = await self._inserts.add(to_row(record))
        return inserted

    async def swap(self, record: Record, *, was: Record) -> bool:
        row = (*to_row(record), was.attempt, was.state.value)
        swapped: bool = await self._swaps.add(row)
        return swapped

    async def doubtful(
        self, *, now: float, after: bytes = b"", limit: int = 200
    ) -> Sequence[Record]:
        return [from_row(row) for row in await self._rows(_DOUBTFUL, after, now, limit)]

    async def of_person(self, email_hash: bytes, track_id: int) -> Sequence[Record]:
        return [from_row(row) for row in await self._rows(_OF_PERSON, email_hash, track_id)]

    async def witnesses(self, track_id: int) -> Sequence[Record]:
        return [from_row(row) for row in await self._rows(_WITNESSES, track_id)]

    async def purge(self, *, before: float, limit: int) -> int:
        [(gone,)] = await self._rows(_PURGE, before, limit)
        return int(gone)

    async def count(self) -> Mapping[State, int]:
        rows = await self._rows("SELECT state, count(*) FROM invite_records GROUP BY state")
        return {State(state): count for state, count in rows}

    async def remember(self, name: str, value: bytes) -> bytes:
        # Two statements: a single one would not see a row that another gateway is inserting.
        await self._rows(_REMEMBER, name, value)
        [(kept,)] = await self._rows("SELECT value FROM gateway_meta WHERE name = $1", name)
        return bytes(kept)

    async def lease(self, name: str, holder: str, *, now: float, until: float) -> bool:
        return bool(await self._rows(_LEASE, name, holder, until, now))

    async def ping(self) -> None:
        await self._rows(_PING)

    async def _connect(self, _: object, **options: Any) -> asyncpg.Connection:
        url = self._connected_to
        try:
            return await connect(url, timeout_seconds=self._timeout_seconds, **options)
        except Exception as error:
            why = why_not_connected(error, url)
            raise StoreUnavailableError(f"cannot reach the PostgreSQL store: {why}") from error

    def _begin_inserts(self, batch: Sequence[Waiting[_Row]]) -> None:
        self._begin(self._write(_INSERT, batch, self._inserts))

    def _begin_swaps(self, batch: Sequence[Waiting[_Row]]) -> None:
        self._begin(self._write(_SWAP, batch, self._swaps))

    def _begin(self, writing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(writing)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(
        self, statement: str, batch: Sequence[Waiting[_Row]], batches: Batches[_Row]
    ) -> None:
        in_order = sorted(batch, key=lambda waiting: waiting.work[0])
        try:
            results = await self._results(statement, [waiting.work for waiting in in_order])
            for waiting, result in zip(in_order, results, strict=True):
                if isinstance(result, StoreUnavailableError):
                    waiting.fail(result)
                else:
                    waiting.complete(result)
        finally:
            batches.ended()

    async def _results(
        self, statement: str, rows: Sequence[_Row]
    ) -> Sequence[bool | StoreUnavailableError]:
        """For each row whether it was written, or why that is not known."""
        numbered = [(*row, place) for place, row in enumerate(rows)]
        try:
            written = await self._on_connection(lambda one: one.fetchmany(statement, numbered))
        except StoreUnavailableError as error:
            middle = len(rows) // 2
            if middle and is_about_a_row(error.__cause__):
                # One that cannot be written must not spoil the others.
                first = await self._results(statement, rows[:middle])
                return [*first, *await self._results(statement, rows[middle:])]
            return [StoreUnavailableError(str(error)) for _ in rows]
        places = {place for (place,) in written}
        return [place in places for place in range(len(rows))]

    async def _rows(self, statement: str, *values: object) -> Sequence[Sequence[Any]]:
        return await self._on_connection(lambda one: one.fetch(statement, *values))

    async def _on_connection(
        self, work: Callable[[asyncpg.Connection], Awaitable[Sequence[Sequence[Any]]]]
    ) -> Sequence[Sequence[Any]]:
        pool = self._open_pool
        if pool is None:
            raise StoreUnavailableError("the store is closed")
        if (url := self._current_url()) != self._connected_to:
            self._connected_to = url
            await pool.expire_connections()
        with _failures():
            async with asyncio.timeout(self._timeout_seconds), pool.acquire() as connection:
                try:
                    return await work(connection)
                except BaseException as error:
                    # A server that hangs would be waited for again, and one that has become a
                    # standby would refuse every later statement.
                    connection.terminate()
                    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                        await pool.expire_connections()
                    raise


async def _nothing(_: object) -> None:
    pass


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    # No exception of the driver proves what was committed.
    except Exception as error:
        raise StoreUnavailableError(f"the store failed: {reason(error)}") from error
