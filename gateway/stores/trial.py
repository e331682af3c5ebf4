"""Checks that a store is usable, without changing it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.invites.store import StoreError
from gateway.settings.store_url import POSTGRES, SQLITE
from gateway.stores.opening import read_url_file

if TYPE_CHECKING:
    from gateway.settings.model import Settings

_PATIENCE_SECONDS = 5.0


async def try_store(settings: Settings) -> str:
    """A description of the store for the operator; StoreError says why it cannot be used."""
    file = settings.store_url_file
    url = settings.store_url.get_secret_value() if file is None else read_url_file(file)
    if url.startswith(POSTGRES):
        return await _try_postgres(url)
    return _try_sqlite(url.removeprefix(SQLITE))


async def _try_postgres(url: str) -> str:
    # The driver is slow to load, and needed only for PostgreSQL.
    import asyncpg  # noqa: PLC0415 - see above

    from gateway.stores.postgres_connection import (  # noqa: PLC0415 - see above
        connect,
        reason,
        why_not_connected,
    )
    from gateway.stores.postgres_schema import look_at  # noqa: PLC0415

    try:
        connection = await connect(url, timeout_seconds=_PATIENCE_SECONDS)
    except Exception as error:
        raise StoreError(why_not_connected(error, url)) from error
    try:
        return await look_at(connection)
    except (asyncpg.PostgresError, OSError) as error:
        raise StoreError(reason(error)) from error
    finally:
        connection.terminate()


def _try_sqlite(name: str) -> str:
    path = Path(name)
    if name == ":memory:":
        return "SQLite in memory: idempotency keys are forgotten when the process ends"
    if not path.parent.is_dir():
        raise StoreError(f"there is no folder for {path}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise StoreError(f"the folder of {path} cannot be written to by this user")
    if not path.exists():
        return f"SQLite, {path}: will be made at the first start"
    if not os.access(path, os.R_OK | os.W_OK):
        raise StoreError(f"{path} cannot be written to by this user")
    return f"SQLite, {path}: is there and can be written to"
