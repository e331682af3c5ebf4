"""`gateway migrate`: creates or updates the store's tables as a separate step."""

from __future__ import annotations

import asyncio

from gateway.settings.loading import given_values, load_settings
from gateway.settings.model import CodedSettings, Settings
from gateway.stores.opening import store_of

_OF_THE_STORE = ("store_url_file", "store_url", "store_secret", "store_secret_file")


def store_settings() -> Settings:
    """Settings of which only the store's are the operator's. Raises SettingsError."""
    given = {name: value for name, value in given_values().items() if name in _OF_THE_STORE}
    return load_settings(CodedSettings, auth="none", upstream_api_key="not needed", **given)


def migrate() -> None:
    """Needs no settings but the store's URL. Raises SettingsError and StoreError."""
    asyncio.run(_open_and_close(store_settings()))


async def _open_and_close(settings: Settings) -> None:
    store = store_of(settings)
    await store.open()
    await store.close()
