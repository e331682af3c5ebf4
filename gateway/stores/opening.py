"""Opening the store that the settings name."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.invites.records import Records
from gateway.settings.store_url import POSTGRES, SQLITE, check_url
from gateway.stores.sqlite import SqliteStore
from gateway.watched_file import WatchedFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway.invites.store import Store
    from gateway.settings.model import Settings


def store_of(settings: Settings) -> Store:
    """The store that the settings name, not yet open. Raises OSError or ValueError."""
    if settings.store_url_file is not None:
        return store_for(WatchedFile(settings.store_url_file, read_url_file).current)
    return store_for(settings.store_url.get_secret_value())


def records_of(settings: Settings, *, store: Store | None = None) -> Records:
    """The records in `store`, or else in the one that the settings name; not yet open."""
    return Records(store or store_of(settings), secret=store_secret_of(settings))


@asynccontextmanager
async def opened_records(settings: Settings) -> AsyncIterator[Records]:
    """Opens the records only: nothing is reconciled meanwhile. Raises StoreError."""
    records = records_of(settings)
    await records.open()
    try:
        yield records
    finally:
        await records.close()


def store_for(url: str | Callable[[], str]) -> Store:
    """The store that `url` names, not yet open; a callable may later give another URL."""
    if isinstance(url, str) and check_url(url).startswith(SQLITE):
        return SqliteStore(Path(url.removeprefix(SQLITE)))
    # The driver is slow to load, and needed only for PostgreSQL.
    from gateway.stores.postgres import PostgresStore  # noqa: PLC0415 - see above

    return PostgresStore(url)


def read_url_file(path: Path) -> str:
    """The PostgreSQL URL in the file. Raises OSError or ValueError, neither with the URL."""
    url = path.read_text("utf-8", errors="replace").strip()
    if not url.startswith(POSTGRES):
        raise ValueError("holds no postgresql:// URL")
    return url


def read_store_secret(path: Path) -> bytes:
    """The secret in the file. Raises OSError or ValueError if there is none."""
    secret = path.read_bytes().strip()
    if not secret:
        raise ValueError("is empty")
    return secret


def store_secret_of(settings: Settings) -> bytes | None:
    """The secret of the store's hashes, if one was given."""
    if settings.store_secret_file is not None:
        return read_store_secret(settings.store_secret_file)
    return (
        None if settings.store_secret is None else settings.store_secret.get_secret_value().encode()
    )
