"""Now and then, looks up an invite of ours that was just made.

The look-up comes before the response, so the candidate cannot have acted on the invite yet. If the
platform's list has it, the list includes people who have not acted, and absence from it is
evidence; see `gateway.invites.evidence`. A list that lags a little counts as one that leaves such
people out; the operator can vouch for it instead.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.invites.clocks import Clocks, moment
from gateway.invites.store import StoreUnavailableError
from gateway.invites.stored_result import application_id_in

if TYPE_CHECKING:
    from gateway.invites.read_back import ReadBack
    from gateway.invites.record import Record
    from gateway.invites.store import Store

log = logging.getLogger("gateway.invites")

EVERY_SECONDS: Final = 600.0
LIMITED_SECONDS: Final = 60.0
_LONGEST_SECONDS: Final = 1.0
_MOST_TRACKS: Final = 10_000


class WitnessLooks:
    """At most one look-up for each track in ten minutes, none while the platform limits calls."""

    def __init__(self, store: Store, read_back: ReadBack, *, clocks: Clocks = moment) -> None:
        self._store = store
        self._read_back = read_back
        self._clocks = clocks
        self._limited_until = -math.inf
        self._next: dict[int, float] = {}

    def limited(self, retry_after_seconds: int | None) -> None:
        """Pause look-ups for as long as the platform asks, or for a minute."""
        seconds = LIMITED_SECONDS if retry_after_seconds is None else retry_after_seconds
        self._limited_until = max(self._limited_until, self._clocks().ticks + seconds)

    async def look(self, record: Record, *, seconds_left: float) -> None:
        """Note in the record whether the list has its invite, which was just made.

        Takes a second at most; a failure has no other effect.
        """
        if not self._is_due(record.track_id):
            return
        application_id = application_id_in(record.answer)
        if application_id is None:
            return
        try:
            async with asyncio.timeout(min(_LONGEST_SECONDS, seconds_left)):
                if not await self._is_ours(record.track_id):
                    return
                shown = await self._read_back.shows(record.track_id, application_id)
                if shown is not None:
                    await self._store.swap(replace(record, witness=shown), was=record)
        except (TimeoutError, StoreUnavailableError) as error:
            why = str(error) or "it takes too long"
            log.warning("what the list shows of a new invite could not be noted: %s", why)

    def _is_due(self, track_id: int) -> bool:
        now = self._clocks().ticks
        if now < self._next.get(track_id, now) or now < self._limited_until:
            return False
        self._next.pop(track_id, None)
        self._next[track_id] = now + EVERY_SECONDS
        if len(self._next) > _MOST_TRACKS:
            del self._next[next(iter(self._next))]
        return True

    async def _is_ours(self, track_id: int) -> bool:
        """Whether this process may look up the track: no other has done so lately."""
        now = self._clocks().wall
        return await self._store.lease(
            f"witness {track_id}", secrets.token_hex(8), now=now, until=now + EVERY_SECONDS
        )
