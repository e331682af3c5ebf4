"""Records in one SQLite file, owned by one process.

One thread owns the one connection and commits a batch of operations at a time, so that many invites
share the cost of one flush to disk. The file is locked for the life of the process:
SQLite before 3.51.3 can corrupt a write-ahead log that several processes share.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from gateway.invites.identity import HASH_BYTES
from gateway.invites.record import Record, State
from gateway.invites.store import StoreError, StoreUnavailableError
from gateway.stores.batches import Batches, Waiting
from gateway.stores.rows import COLUMNS, WIDTH, from_row, migrations, pending, to_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Result = TypeVar("Result")

_VALUES: Final = ",".join("?" * WIDTH)
_INSERT: Final = f"INSERT INTO invite_records ({COLUMNS}) VALUES ({_VALUES}) ON CONFLICT DO NOTHING"  # noqa: S608 - constant
_FIXED: Final = 4
_CHANGING: Final = COLUMNS.split(",", _FIXED)[_FIXED].lstrip()
_SWAP: Final = (
    # Only the columns that change: SQLite rewrites the indexes of every column named here.
    f"UPDATE invite_records SET ({_CHANGING}) = ({','.join('?' * (WIDTH - _FIXED))})"  # noqa: S608 - constant
    " WHERE record_id = ? AND attempt = ? AND state = ?"
)
_READ: Final = f"SELECT {COLUMNS} FROM invite_records WHERE record_id = ?"  # noqa: S608 - constant
_DOUBTFUL: Final = (
    f"SELECT {COLUMNS} FROM invite_records"  # noqa: S608 - constant
    " WHERE state IN ('sending', 'unknown') AND record_id > ?"
    " AND (state = 'unknown' OR lease_until <= ?) ORDER BY record_id LIMIT ?"
)
_OF_PERSON: Final = (
    f"SELECT {COLUMNS} FROM invite_records"  # noqa: S608 - constant
    " WHERE email_hash = ? AND track_id = ? ORDER BY updated_at DESC LIMIT 100"
)
_WITNESSES: Final = (
    f"SELECT {COLUMNS} FROM invite_records"  # noqa: S608 - constant
    " WHERE track_id = ? AND witness IS NOT NULL AND state = 'invited'"
    " ORDER BY updated_at DESC LIMIT 10"
)
_PURGE: Final = (
    "DELETE FROM invite_records WHERE record_id IN (SELECT record_id FROM invite_records"  # noqa: S608 - constant
    " WHERE state IN ('invited', 'refused', 'released') AND updated_at < ?"
    f" AND length(record_id) = {HASH_BYTES} LIMIT ?)"
)
_LEASE: Final = (
    "INSERT INTO gateway_leases (name, holder, until) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    " WHERE gateway_leases.holder = excluded.holder OR gateway_leases.until <= ?"
)
_PING: Final = (b"ping", b"", b"", 0, 0, State.SENDING.value, *(0.0,) * 4, *(None,) * (WIDTH - 10))


_Work: TypeAlias = tuple[Callable[[sqlite3.Connection], Any], bool]
"""What is done with the connection, and whether it writes."""


class SqliteStore:
    """A Store in the file at `path`, for use from one event loop."""

    def __init__(self, path: str | os.PathLike[str], *, busy_seconds: float = 2.0) -> None:
        self._path = Path(path)
        self._busy_seconds = busy_seconds
        self._begun: queue.SimpleQueue[Sequence[Waiting[_Work]] | None] = queue.SimpleQueue()
        self._batches: Batches[_Work] = Batches(self._begun.put)
        self._thread: threading.Thread | None = None
        self._files: dict[str, tuple[int, int]] = {}

    async def open(self) -> None:
        connection = await asyncio.to_thread(self._connect)
        self._files = self._files_there()
        self._thread = threading.Thread(
            target=self._serve,
            args=(connection, asyncio.get_running_loop()),
            name="sqlite-store",
            daemon=True,
        )
        self._thread.start()

    async def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._batches.begin_all()
            self._begun.put(None)
            await asyncio.to_thread(thread.join)

    async def read(self, record_id: bytes) -> Record | None:
        def work(connection: sqlite3.Connection) -> Record | None:
            row = connection.execute(_READ, (record_id,)).fetchone()
            return None if row is None else from_row(row)

        return await self._ask(work, writes=False)

    async def insert(self, record: Record) -> bool:
        return await self._changed(_INSERT, to_row(record)) == 1

    async def swap(self, record: Record, *, was: Record) -> bool:
        fence = (was.record_id, was.attempt, was.state.value)
        return await self._changed(_SWAP, (*to_row(record)[_FIXED:], *fence)) == 1

    async def doubtful(
        self, *, now: float, after: bytes = b"", limit: int = 200
    ) -> Sequence[Record]:
        return await self._records(_DOUBTFUL, (after, now, limit))

    async def of_person(self, email_hash: bytes, track_id: int) -> Sequence[Record]:
        return await self._records(_OF_PERSON, (email_hash, track_id))

    async def witnesses(self, track_id: int) -> Sequence[Record]:
        return await self._records(_WITNESSES, (track_id,))

    async def purge(self, *, before: float, limit: int) -> int:
        return await self._changed(_PURGE, (before, limit))

    async def count(self) -> Mapping[State, int]:
        def work(connection: sqlite3.Connection) -> Mapping[State, int]:
            rows = connection.execute("SELECT state, count(*) FROM invite_records GROUP BY state")
            return {State(state): count for state, count in rows}

        return await self._ask(work, writes=False)

    async def remember(self, name: str, value: bytes) -> bytes:
        def work(connection: sqlite3.Connection) -> bytes:
            connection.execute(
                "INSERT INTO gateway_meta VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value)
            )
            row = connection.execute("SELECT value FROM gateway_meta WHERE name = ?", (name,))
            kept: bytes = row.fetchone()[0]
            return kept

        return await self._ask(work, writes=True)

    async def lease(self, name: str, holder: str, *, now: float, until: float) -> bool:
        return await self._changed(_LEASE, (name, holder, until, now)) == 1

    async def ping(self) -> None:
        def work(connection: sqlite3.Connection) -> None:
            # As large as a claim: on a full disk a smaller write might still succeed.
            connection.execute(_INSERT, _PING)
            connection.execute("DELETE FROM invite_records WHERE record_id = ?", _PING[:1])

        await self._ask(work, writes=True)

    async def _changed(self, statement: str, values: Sequence[object]) -> int:
        return await self._ask(
            lambda connection: connection.execute(statement, values).rowcount, writes=True
        )

    async def _records(self, statement: str, values: Sequence[object]) -> Sequence[Record]:
        return await self._ask(
            lambda connection: [from_row(row) for row in connection.execute(statement, values)],
            writes=False,
        )

    async def _ask(self, work: Callable[[sqlite3.Connection], Result], *, writes: bool) -> Result:
        if self._thread is None:
            raise StoreUnavailableError("the store is closed")
        result: Result = await self._batches.add((work, writes))
        return result

    def _connect(self) -> sqlite3.Connection:
        try:
            if str(self._path) != ":memory:":
                # It holds invite links, which other users of this machine must not read.
                self._path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = sqlite3.connect(
                self._path,
                timeout=self._busy_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot open the store {self._path}: {error}") from error
        try:
            _prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(_why_not(self._path, error)) from error
        except StoreError:
            connection.close()
            raise
        return connection

    def _serve(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        while (batch := self._begun.get()) is not None:
            results = self._results(connection, batch)
            # Once the loop is closed, no caller is waiting.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._end, batch, results)
        connection.close()

    def _results(
        self, connection: sqlite3.Connection, batch: Sequence[Waiting[_Work]]
    ) -> Sequence[Any]:
        """The result of each operation, or its StoreUnavailableError."""
        try:
            return self._transact(connection, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on and says so
            _roll_back(connection, error)
            middle = len(batch) // 2
            if middle and not isinstance(error, sqlite3.OperationalError | OSError):
                # One that cannot be written must not spoil the others.
                first = self._results(connection, batch[:middle])
                return [*first, *self._results(connection, batch[middle:])]
            failure = StoreUnavailableError(f"the store failed: {error}")
            failure.__cause__ = error
            return [failure]

    def _transact(
        self, connection: sqlite3.Connection, batch: Sequence[Waiting[_Work]]
    ) -> Sequence[Any]:
        if not any(waiting.work[1] for waiting in batch):
            return [waiting.work[0](connection) for waiting in batch]
        self._check_files()
        connection.execute("BEGIN IMMEDIATE")
        results = [waiting.work[0](connection) for waiting in batch]
        connection.execute("COMMIT")
        return results

    def _end(self, batch: Sequence[Waiting[_Work]], results: Sequence[Any]) -> None:
        for waiting, result in zip(batch, results, strict=True):
            if isinstance(result, StoreUnavailableError):
                waiting.fail(result)
            else:
                waiting.complete(result)
        self._batches.ended()

    def _check_files(self) -> None:
        # SQLite would go on writing to files that were deleted or replaced.
        if not self._files.items() <= self._files_there().items():
            raise FileNotFoundError(
                f"{self._path} has been removed or replaced: put it back and restart the gateway"
            )

    def _files_there(self) -> dict[str, tuple[int, int]]:
        """Identities of the database file and its log on disk; empty for a store in memory."""
        found = {}
        for name in (str(self._path), f"{self._path}-wal"):
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(name)  # noqa: PTH116 - a Path costs more than the call
                found[name] = status.st_dev, status.st_ino
        return found


def _prepare(connection: sqlite3.Connection) -> None:
    # Exclusive locking before the first access keeps the log's index in this process's memory,
    # and excludes other processes.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    scripts = migrations("sqlite")
    for script in pending(scripts, version=version):
        for statement in script.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(scripts)}")
    connection.execute("COMMIT")


def _why_not(path: Path, error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return (
            f"the store {path} is in use by another gateway process: one SQLite file serves one"
            " process; use one worker, or PostgreSQL for several"
        )
    return f"cannot open the store {path}: {error}"


def _roll_back(connection: sqlite3.Connection, error: Exception) -> None:
    if connection.in_transaction:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error as worse:
            error.add_note(f"and could not roll back: {worse}")
