"""Which store a URL means."""

from __future__ import annotations

import pytest

from gateway.settings.store_url import check_url, is_shareable
from gateway.stores.opening import store_for
from gateway.stores.postgres import PostgresStore
from gateway.stores.sqlite import SqliteStore


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
