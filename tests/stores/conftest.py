"""Each test of a store runs over both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.stores.postgres import PostgresStore
from gateway.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from gateway.invites.store import Store


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes stores over one and the same file or database."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "gateway.db", busy_seconds=0.05)
    url: str = request.getfixturevalue("postgres_url")
    return lambda: PostgresStore(url, connections=4)


@pytest.fixture
async def store(make_store: Callable[[], Store]) -> AsyncIterator[Store]:
    store = make_store()
    await store.open()
    yield store
    await store.close()
