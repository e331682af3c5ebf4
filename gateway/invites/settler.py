"""Recording how an attempt ended, even if the store fails at that moment."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from gateway.invites.record import Record, accepts
from gateway.invites.store import Store, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("gateway.invites")

WAITS: Final = (0.1, 0.5, 2.0, 5.0)
TOO_SLOW: Final = "the store takes too long"
LAST_SECONDS: Final = 5.0
"""Seconds by which unrecorded outcomes may delay the end of the process."""


class Settler:
    """Settles records; what fails is tried again in the background."""

    def __init__(self, store: Store, *, waits: Sequence[float] = WAITS) -> None:
        self._store = store
        self._waits = waits
        self._at_work: set[asyncio.Task[None]] = set()

    async def settle(self, outcome: Record, *, claim: Record) -> Record | None:
        """Replace `claim` by `outcome`; if another record has taken its place, return that.

        If the store fails it continues in the background.
        """
        try:
            if await self._store.swap(outcome, was=claim):
                return None
            return await self._settle_late(outcome)
        except StoreUnavailableError as error:
            self.settle_in_background(outcome, why=str(error))
            return None

    def settle_in_background(
        self, outcome: Record, *, why: str = "the store takes too long"
    ) -> None:
        """Replace the claim of `outcome` as soon as the store can."""
        log.warning("an invite ended as %s, not recorded yet: %s", outcome.state.value, why)
        task = asyncio.create_task(self._settle_stubbornly(outcome))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def drain(self, *, seconds: float = LAST_SECONDS) -> None:
        """Wait for retries to end; after `seconds` the rest is left to the reconciler."""
        if not self._at_work:
            return
        _, late = await asyncio.wait(self._at_work, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            # The records are in doubt once their leases have ended.
            log.error("%d invites ended and stay unrecorded", len(late))

    async def _settle_stubbornly(self, outcome: Record) -> None:
        for wait in self._waits:
            await asyncio.sleep(wait)
            try:
                await self._settle_late(outcome)
            except StoreUnavailableError:
                continue
            return
        # The record is in doubt once its lease has ended: the reconciler looks it up.
        log.error("an invite ended as %s and stays unrecorded", outcome.state.value)

    async def _settle_late(self, outcome: Record) -> Record | None:
        current = await self._store.read(outcome.record_id)
        while current is not None and accepts(current, outcome):
            if await self._store.swap(outcome, was=current):
                return None
            current = await self._store.read(outcome.record_id)
        if current is not None and current == outcome:
            # An earlier write was committed after all.
            return None
        log.warning("a late end of an invite (%s) changed nothing", outcome.state.value)
        return current
