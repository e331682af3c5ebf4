"""What is special about records in a SQLite file."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gateway.invites.record import State, settled
from gateway.invites.store import StoreError, StoreUnavailableError
from gateway.stores.batches import BATCH
from gateway.stores.sqlite import SqliteStore
from tests.fakes.records import NOW, a_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = """
import asyncio, sys
from gateway.stores.sqlite import SqliteStore
async def main():
    await SqliteStore(sys.argv[1]).open()
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@contextmanager
def holding(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process has the store open."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        try:
            yield other
        finally:
            other.kill()


@pytest.fixture
async def store(tmp_path):
    store = SqliteStore(tmp_path / "gateway.db", busy_seconds=0.05)
    await store.open()
    yield store
    await store.close()


async def test_second_process_is_refused(tmp_path):
    """A file that another gateway works on is not opened, and the message says what to do."""
    path = tmp_path / "gateway.db"
    with holding(path), pytest.raises(StoreError, match="in use by another gateway process"):
        await SqliteStore(path, busy_seconds=0.05).open()


async def test_killed_process_leaves_the_file_free(tmp_path):
    """After a SIGKILL the next process opens the file at once."""
    path = tmp_path / "gateway.db"
    with holding(path) as other:
        other.kill()

    store = SqliteStore(path, busy_seconds=0.05)
    await store.open()
    await store.close()


async def test_flushes_each_commit(store):
    """The log is flushed to disk with every commit, so that a power cut loses no claim."""

    def modes(connection: sqlite3.Connection) -> list[object]:
        pragmas = ("journal_mode", "synchronous", "locking_mode")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    assert await store._ask(modes, writes=False) == ["wal", 2, "exclusive"]


async def test_waiting_operations_share_a_commit(store):
    """Operations that wait together are committed together."""
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    await store._ask(lambda connection: connection.set_trace_callback(count), writes=False)

    await asyncio.gather(*(store.insert(a_record(f"{n}")) for n in range(4 * BATCH)))

    assert 4 <= commits < 2 * BATCH


async def test_full_disk_fails_the_whole_batch(store):
    """A batch that cannot be written leaves nothing behind, and the store goes on after it."""
    await store._ask(
        lambda connection: connection.execute("PRAGMA max_page_count = 1"), writes=False
    )

    with pytest.raises(StoreUnavailableError, match="full"):
        await store.insert(a_record(answer=b"x" * 100_000))

    await store._ask(
        lambda connection: connection.execute("PRAGMA max_page_count = 1000000"), writes=False
    )
    assert await store.count() == {}
    assert await store.insert(a_record())


@contextmanager
def largest_file(octets: int) -> Iterator[None]:
    """No file of this process can grow beyond that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_ping_needs_the_room_of_a_claim(store):
    """On a disk with room for one page and not for a claim, the store is not ready."""
    await store._ask(
        lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall(),
        writes=False,
    )
    header, frame = 32, 24 + 4096
    with largest_file(header + frame):
        with pytest.raises(StoreUnavailableError):
            await store.insert(a_record())
        with pytest.raises(StoreUnavailableError):
            await store.ping()

    await store.ping()
    assert await store.count() == {}


@pytest.mark.parametrize("name", ["gateway.db", "gateway.db-wal"])
@pytest.mark.parametrize("change", ["removed", "replaced"])
async def test_file_that_is_gone_records_nothing(store, tmp_path, name, change):
    """What would be written to a removed file is lost with the process: it is refused instead."""
    await store.insert(a_record())
    file = tmp_path / name
    file.rename(tmp_path / "elsewhere")
    if change == "replaced":
        file.write_bytes((tmp_path / "elsewhere").read_bytes())

    with pytest.raises(StoreUnavailableError, match="has been removed or replaced"):
        await store.insert(a_record("next"))
    with pytest.raises(StoreUnavailableError):
        await store.ping()

    (tmp_path / "elsewhere").rename(file)
    assert await store.insert(a_record("next"))


async def test_failed_commit_is_rolled_back(store, monkeypatch):
    """Where even the way back fails, the caller is told and the thread lives on."""

    def break_off(connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(StoreUnavailableError, match="disk I/O error"):
        await store._ask(break_off, writes=True)

    await store.ping()


async def test_abandoned_question_hurts_nobody(store):
    """A caller that stops waiting does not disturb the others in its batch."""
    gone = asyncio.create_task(store.insert(a_record("gone")))
    await asyncio.sleep(0)
    gone.cancel()

    assert await store.insert(a_record("here"))
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_close_finishes_what_was_asked(tmp_path):
    """Operations that wait when the store closes are done before it does."""
    store = SqliteStore(tmp_path / "gateway.db")
    await store.open()
    waiting = [asyncio.create_task(store.insert(a_record(f"{n}"))) for n in range(100)]
    await asyncio.sleep(0)

    await store.close()

    assert all(await asyncio.gather(*waiting))


async def test_file_is_private(store, tmp_path):
    """Nobody else on the machine can read the invite links in the file."""
    assert (tmp_path / "gateway.db").stat().st_mode & 0o077 == 0


async def test_newer_file_is_refused(tmp_path):
    """A file of a later version is left alone."""
    path = tmp_path / "gateway.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()

    with pytest.raises(StoreError, match="newer gateway"):
        await SqliteStore(path).open()


@pytest.mark.parametrize("content", ["directory", "no database"])
async def test_unusable_file_is_an_error_at_start(tmp_path, content):
    """A path that holds no database is named in one clear error."""
    path = tmp_path / "gateway.db"
    if content == "directory":
        path.mkdir()
    else:
        path.write_text("this is a letter, not a database" * 100)

    with pytest.raises(StoreError, match="cannot open the store"):
        await SqliteStore(path).open()


async def test_no_personal_data_in_the_file(tmp_path):
    """Name, address and key of an invite cannot be found in the bytes on disk."""
    store = SqliteStore(tmp_path / "gateway.db")
    await store.open()
    await store.insert(settled(a_record("ada@example.com"), State.INVITED, now=NOW))
    await store.close()

    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert not [word for word in (b"Ada", b"Lovelace", b"ada@", b"example.com") if word in content]
