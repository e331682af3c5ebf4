"""The store of records, and the secret of its hashes."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from gateway.invites.identity import Hasher
from gateway.invites.store import Store, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable


class Records:
    """A store and its hasher; both are usable after `open`."""

    def __init__(
        self,
        store: Store,
        *,
        secret: bytes | None = None,
        draw: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    ) -> None:
        self.store = store
        self._secret = secret
        self._draw = draw
        self._hasher: Hasher | None = None

    @property
    def hasher(self) -> Hasher:
        if self._hasher is None:
            raise StoreUnavailableError("the store is closed")
        return self._hasher

    async def open(self) -> None:
        """Open the store with the given secret, or with the one that the store keeps.

        Raises StoreError, which says what the operator has to do.
        """
        await self.store.open()
        try:
            self._hasher = await self._checked_hasher()
        except BaseException:
            await self.store.close()
            raise

    async def close(self) -> None:
        self._hasher = None
        await self.store.close()

    async def _checked_hasher(self) -> Hasher:
        secret = self._secret
        if secret is None:
            secret = await self.store.remember("secret", self._draw())
        hasher = Hasher(secret)
        kept = await self.store.remember("secret-check", hasher.check_value())
        # With another secret no record would be found, and each key would be sent again.
        if not hmac.compare_digest(kept, hasher.check_value()):
            raise StoreError(
                "the store's records were made with another secret: give GATEWAY_STORE_SECRET"
                " the value it had, or start with an empty store"
            )
        return hasher
