"""A store is tried without a change to it."""

from __future__ import annotations

import os

import pytest

from gateway.invites.store import StoreError
from gateway.settings.store_url import IN_MEMORY
from gateway.stores.trial import try_store
from tests.fakes.postgres import execute
from tests.fakes.settings import settings


async def tried(url: str) -> str:
    return await try_store(settings(store_url=url))


async def test_an_empty_database_stays_empty(postgres_url):
    """What `gateway migrate` would do is said and not done."""
    first, second = await tried(postgres_url), await tried(postgres_url)

    assert first.startswith("PostgreSQL ")
    assert first == second
    assert first.endswith("made or brought up to date by `gateway migrate`")


async def test_a_database_that_cannot_be_used_says_why(postgres_url):
    """Both what cannot be connected to and what fails afterwards is one reason."""
    with pytest.raises(StoreError, match="does not exist: CREATE DATABASE"):
        await tried(postgres_url.replace("gateway_test", "none"))
    execute(postgres_url, "CREATE TABLE gateway_schema (other text)")
    with pytest.raises(StoreError, match="UndefinedColumnError"):
        await tried(postgres_url)


async def test_a_file_of_sqlite_is_tried(tmp_path):
    """Whether it is there, or can be made, is found out by looking."""
    file = tmp_path / "gateway.db"
    before = await tried(f"sqlite:///{file}")
    assert not file.exists()
    file.touch()

    assert before == f"SQLite, {file}: will be made at the first start"
    assert await tried(f"sqlite:///{file}") == f"SQLite, {file}: is there and can be written to"
    assert (await tried(IN_MEMORY)).startswith("SQLite in memory")
    with pytest.raises(StoreError, match="there is no folder"):
        await tried(f"sqlite:///{tmp_path}/none/gateway.db")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be another user for a moment")
@pytest.mark.parametrize(("folder", "file"), [(0o755, 0o644), (0o777, 0o600)])
async def test_a_file_of_another_user_is_refused(tmp_path, monkeypatch, folder, file):
    """The gateway's user must be able to write the file, and its folder."""
    monkeypatch.setattr(os, "access", lambda path, mode: path.stat().st_mode & 0o002 != 0)
    place = tmp_path / "store"
    place.mkdir()
    place.chmod(folder)
    (place / "gateway.db").touch(mode=file)

    with pytest.raises(StoreError, match="cannot be written to by this user"):
        await tried(f"sqlite:///{place}/gateway.db")
