"""Which store a URL means."""

from __future__ import annotations

import pytest

from gateway.settings.store_url import check_url, is_shareable
from gateway.stores.opening import store_for, store_of
from gateway.stores.postgres import PostgresStore
from gateway.stores.sqlite import SqliteStore
from tests.fakes.settings import settings


@pytest.mark.parametrize(
    ("url", "kind", "shareable"),
    [
        ("sqlite:///gateway.db", SqliteStore, False),
        ("sqlite:////var/lib/gateway.db", SqliteStore, False),
        ("postgresql://u@h/d", PostgresStore, True),
        ("postgres://u@h/d", PostgresStore, True),
    ],
)
def test_kind(url, kind, shareable):
    """The scheme says which store it is, and whether several processes may share it."""
    assert type(store_for(url)) is kind
    assert is_shareable(url) is shareable


@pytest.mark.parametrize("url", ["", "gateway.db", "sqlite://x", "sqlite:///", "mysql://h/d"])
def test_other_urls_are_refused(url):
    """What is no store says which URLs are."""
    with pytest.raises(ValueError, match="sqlite:///FILE"):
        check_url(url)


async def test_the_url_can_come_from_a_file(postgres_url, tmp_path):
    """A new URL in the file is taken up by the open store, without a restart."""
    file = tmp_path / "url"
    file.write_text(f"{postgres_url}&application_name=before\n")
    store = store_of(settings(store_url_file=file))
    assert isinstance(store, PostgresStore)
    await store.open()

    names = {await application(store)}
    file.write_text(f"{postgres_url}&application_name=after-the-change\n")
    while "after-the-change" not in names:
        names.add(await application(store))
    file.write_text("no URL at all, and it is not taken")
    names.add(await application(store))
    await store.close()

    assert names == {"before", "after-the-change"}


async def application(store: PostgresStore) -> str:
    [(name,)] = await store._rows("SHOW application_name")
    return str(name)
