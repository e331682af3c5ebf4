"""The pace of bulk invites: as fast as the upstream allows."""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.invites.deadline import Deadline
    from gateway.invites.models import InviteFailure

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
# However long the platform asks for, one call then tests whether it still refuses.
_LONGEST_ASKED_SECONDS: Final = 300.0
_MOST_ACCOUNTS: Final = 1000
_SPREAD_SECONDS: Final = 0.25


class Turn:
    """Permission for one call; `end` must be called once, however the call ends."""

    __slots__ = ("_era", "_pace")

    def __init__(self, pace: Pace, era: int) -> None:
        self._pace = pace
        self._era = era

    def went_through(self) -> None:
        """The upstream took the call."""
        self._pace._speed_up()  # noqa: SLF001 - two halves of one thing

    def turned_away(self, retry_after_seconds: int | None) -> None:
        """The upstream limited the call, or the gateway is overloaded."""
        self._pace._slow_down(self._era, retry_after_seconds)  # noqa: SLF001 - as above

    def end(self) -> None:
        self._pace._end()  # noqa: SLF001 - as above


class Pace:
    """Turns for at most `most` calls at a time, first come first served.

    A call that is turned away makes all others wait, for as long as the platform asks but at most
    five minutes, and halves the concurrency; each call that goes through raises it a little.
    """

    def __init__(
        self,
        most: int,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._most = most
        self._limit = float(most)
        self._in_use = 0
        self._resume_at = -math.inf
        # Concurrent calls are turned away together: that must halve the concurrency only once.
        self._era = 0
        self._pauses = 0
        self.turned_away: InviteFailure | None = None
        """The latest result of a call that was turned away."""
        self._queued = 0
        self._door = asyncio.Lock()
        self._changed = asyncio.Event()
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._sleep = sleep
        self._chance = chance

    @property
    def most(self) -> int:
        """The highest number of concurrent turns."""
        return self._most

    @property
    def pause_seconds(self) -> float:
        """Seconds until the next turn can be given; 0 without a pause."""
        return max(0.0, self._resume_at - self._clock())

    async def turn(self, *, deadline: Deadline) -> Turn | None:
        """A turn, or None as soon as it is certain that none will come before `deadline`."""
        if self._clock() >= deadline.at:
            return None
        # Without a queue no timeout has to be set up.
        if self._queued or not self._has_turn:
            self._queued += 1
            try:
                async with asyncio.timeout_at(deadline.at), self._door:
                    while not self._has_turn:
                        if self._resume_at >= deadline.at:
                            return None
                        await self._wait()
            except TimeoutError:
                return None
            finally:
                self._queued -= 1
        self._in_use += 1
        return Turn(self, self._era)

    @property
    def _has_turn(self) -> bool:
        return self._in_use < int(self._limit) and not self.pause_seconds

    async def _wait(self) -> None:
        if pause := self.pause_seconds:
            await self._sleep(pause)
            return
        self._changed.clear()
        await self._changed.wait()

    def _speed_up(self) -> None:
        self._pauses = 0
        self._limit = min(self._most, self._limit + 1 / self._limit)

    def _slow_down(self, era: int, retry_after_seconds: int | None) -> None:
        if era == self._era:
            self._era += 1
            self._pauses += 1
            self._limit = max(1.0, self._limit / 2)
        pause = self._own_pause()
        if retry_after_seconds is not None:
            pause = min(float(retry_after_seconds), _LONGEST_ASKED_SECONDS)
        until = self._clock() + pause + self._chance() * _SPREAD_SECONDS
        self._resume_at = max(self._resume_at, until)

    def _own_pause(self) -> float:
        doublings = min(max(0, self._pauses - 1), 10)
        return min(math.ldexp(_FIRST_PAUSE_SECONDS, doublings), _LONGEST_PAUSE_SECONDS)

    def _end(self) -> None:
        self._in_use -= 1
        self._changed.set()


class Paces:
    """One pace for each account of the platform: the platform limits each separately."""

    def __init__(self, make: Callable[[], Pace]) -> None:
        self._make = make
        self._paces: dict[bytes, Pace] = {}

    def of(self, api_key: str | None) -> Pace:
        """The pace of the key's account, or of the gateway's own account without a key."""
        account = hashlib.sha256((api_key or "").encode()).digest()
        # The most recently used accounts are kept.
        pace = self._paces.pop(account, None) or self._make()
        self._paces[account] = pace
        if len(self._paces) > _MOST_ACCOUNTS:
            del self._paces[next(iter(self._paces))]
        return pace
