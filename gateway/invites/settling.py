"""Writing down how an attempt ended, also when the store fails at that very moment."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from gateway.invites.idempotency import Record, Store, StoreUnavailableError, accepts

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("gateway.invites")

WAITS: Final = (0.1, 0.5, 2.0, 5.0)


class Settler:
    """Settles records; what fails is tried again behind the caller's back."""

    def __init__(self, store: Store, *, waits: Sequence[float] = WAITS) -> None:
        self._store = store
        self._waits = waits
        self._at_work: set[asyncio.Task[None]] = set()

    async def settle(self, outcome: Record, *, claim: Record) -> Record | None:
        """Replace `claim` by `outcome`; the record that is there instead if that is too late."""
        try:
            if await self._store.swap(outcome, was=claim):
                return None
            return await self._settle_late(outcome)
        except StoreUnavailableError as error:
            log.warning("an invite ended as %s, not recorded yet: %s", outcome.state.value, error)
            task = asyncio.create_task(self._settle_stubbornly(outcome))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
            return None

    async def drain(self) -> None:
        """Wait until nothing is left to be tried again."""
        while self._at_work:
            await asyncio.wait(list(self._at_work))

    async def _settle_stubbornly(self, outcome: Record) -> None:
        for wait in self._waits:
            await asyncio.sleep(wait)
            try:
                await self._settle_late(outcome)
            except StoreUnavailableError:
                continue
            return
        # The record is in doubt once its lease has ended: the reconciler mends it.
        log.error("an invite ended as %s and stays unrecorded", outcome.state.value)

    async def _settle_late(self, outcome: Record) -> Record | None:
        current = await self._store.read(outcome.record_id)
        while current is not None and accepts(current, outcome):
            if await self._store.swap(outcome, was=current):
                return None
            current = await self._store.read(outcome.record_id)
        if current is not None and current == outcome:
            # An earlier try was committed after all.
            return None
        log.warning("a late end of an invite (%s) changed nothing", outcome.state.value)
        return current
