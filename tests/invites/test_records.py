"""The secret of the records."""

from __future__ import annotations

import pytest

from gateway.invites.records import Records
from gateway.invites.store import StoreError, StoreUnavailableError
from tests.fakes.invites import MemoryStore


async def opened(store: MemoryStore, secret: bytes | None = None) -> Records:
    records = Records(store, secret=secret)
    await records.open()
    assert store.is_open
    return records


async def test_secret_is_drawn_once():
    """Nothing has to be set up: gateways on one store share a secret that it keeps."""
    store = MemoryStore()

    first, second = await opened(store), await opened(store)

    assert first.hasher.check_value() == second.hasher.check_value()
    assert (await opened(MemoryStore())).hasher.check_value() != first.hasher.check_value()


async def test_what_is_kept_stays_under_its_names():
    """A store outlives the version of the gateway that wrote it."""
    store = MemoryStore()

    await opened(store)

    assert sorted(store.values) == ["secret", "secret-check"]


async def test_given_secret_is_not_kept():
    """A secret from the settings is not written beside the hashes that it protects."""
    store = MemoryStore()

    await opened(store, b"given secret")

    assert b"given secret" not in store.values.values()


@pytest.mark.parametrize(("first", "then"), [(None, b"new"), (b"old", b"new"), (b"old", None)])
async def test_other_secret_is_refused(first, then):
    """With another secret every key would be sent again, so the gateway does not start."""
    store = MemoryStore()
    await opened(store, first)

    with pytest.raises(StoreError, match="another secret"):
        await opened(store, then)

    assert not store.is_open


async def test_no_hashes_while_closed():
    """Before opening and after closing there is nothing to hash with."""
    store = MemoryStore()
    records = Records(store, secret=b"s")
    with pytest.raises(StoreUnavailableError):
        _ = records.hasher
    await records.open()
    await records.close()

    assert not store.is_open
    with pytest.raises(StoreUnavailableError):
        _ = records.hasher
