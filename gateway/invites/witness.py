"""Looks up an invite of ours just after it was made, now and then.

Nobody can have acted on it by then. So an invite that the platform's list shows proves that the
list shows people who have not, and absence from that list means something; see
`gateway.invites.evidence`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.background import end
from gateway.invites.clocks import Clocks, moment
from gateway.invites.store import StoreUnavailableError
from gateway.invites.stored_result import application_id_in

if TYPE_CHECKING:
    from gateway.invites.read_back import ReadBack
    from gateway.invites.record import Record
    from gateway.invites.store import Store

log = logging.getLogger("gateway.invites")

# A list may lag a little; but the earlier the look, the surer that nobody has acted yet.
WAIT_SECONDS: Final = 5.0
LATEST_SECONDS: Final = 60.0
EVERY_SECONDS: Final = 600.0
_MOST_TRACKS: Final = 10_000


class WitnessLooks:
    """At most one look a track in ten minutes, none while the platform limits requests."""

    def __init__(
        self,
        store: Store,
        read_back: ReadBack,
        *,
        wait_seconds: float = WAIT_SECONDS,
        clocks: Clocks = moment,
    ) -> None:
        self._store = store
        self._read_back = read_back
        self._wait_seconds = wait_seconds
        self._clocks = clocks
        self._limited_until = -math.inf
        self._next: dict[int, float] = {}
        self._at_work: set[asyncio.Task[None]] = set()

    def limited(self, retry_after_seconds: int | None) -> None:
        """The platform limits requests, for as long as it says, or for a minute."""
        seconds = LATEST_SECONDS if retry_after_seconds is None else retry_after_seconds
        self._limited_until = max(self._limited_until, self._clocks().ticks + seconds)

    def made(self, record: Record) -> None:
        """An invite was made right now, and `record` says so."""
        now = self._clocks().ticks
        if now < self._next.get(record.track_id, now) or now < self._limited_until:
            return
        application_id = application_id_in(record.answer)
        if application_id is None:
            return
        self._next.pop(record.track_id, None)
        self._next[record.track_id] = now + EVERY_SECONDS
        if len(self._next) > _MOST_TRACKS:
            del self._next[next(iter(self._next))]
        task = asyncio.create_task(self._look(record, application_id, since=now))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def end(self) -> None:
        """Give up what is under way."""
        for task in tuple(self._at_work):
            await end(task)

    async def _look(self, record: Record, application_id: str, *, since: float) -> None:
        await asyncio.sleep(self._wait_seconds)
        if self._clocks().ticks < self._limited_until:
            return
        try:
            if not await self._is_ours(record.track_id):
                return
            shown = await self._read_back.shows(record.track_id, application_id)
            if shown is not None and self._clocks().ticks - since <= LATEST_SECONDS:
                await self._store.swap(replace(record, witness=shown), was=record)
        except StoreUnavailableError as error:
            log.warning("what the list shows of a new invite could not be noted: %s", error)

    async def _is_ours(self, track_id: int) -> bool:
        """Whether no other process has looked on this track lately."""
        now = self._clocks().wall
        return await self._store.lease(
            f"witness {track_id}", secrets.token_hex(8), now=now, until=now + EVERY_SECONDS
        )
