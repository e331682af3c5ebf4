"""Idle connections, and the limit on concurrent calls."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from time import monotonic

from gateway.upstream.bounds import KEEP_ALIVE_SECONDS, LONGEST_LIFE_SECONDS
from gateway.upstream.direct.connection import Connection


class Pool:
    """At most `size` connections, in use and idle together.

    Moments, such as `now`, are on the monotonic clock, by which event loops keep time as well.
    """

    def __init__(self, dial: Callable[[], Awaitable[Connection]], *, size: int) -> None:
        self._dial = dial
        self._free = size
        self._turns: OrderedDict[asyncio.Future[bool], None] = OrderedDict()
        # The most recently used is taken first, so that surplus ones grow old at the left.
        self._idle: deque[Connection] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self, now: float) -> Connection | None:
        """A place and an idle connection, if both are there at once.

        The place must be returned by exactly one `give_back`, however the call ended.
        """
        if self._free <= 0:
            return None
        connection = self.kept(now)
        if connection is not None:
            self._free -= 1
        return connection

    async def place(self, *, wait_until: float) -> bool:
        """Wait for a place to make a call; False if none came free in time.

        It must be returned as one that was taken.
        """
        if self._free <= 0:
            return await self._turn(wait_until)
        self._free -= 1
        return True

    def kept(self, now: float) -> Connection | None:
        """An idle connection for the caller, or None: then it needs a new one."""
        while self._idle:
            connection = self._idle.pop()
            if now - connection.idle_since < KEEP_ALIVE_SECONDS and connection.is_quiet():
                return connection
            connection.abort()
        return None

    async def dial(self) -> Connection:
        """A new connection; OSError if there is none."""
        return await self._dial()

    def give_back(self, connection: Connection | None, now: float) -> None:
        """Free the call's place, and keep the connection if it can be used again."""
        if connection is not None and connection.is_open():
            if self._closed or now - connection.made_at >= LONGEST_LIFE_SECONDS:
                connection.abort()
            else:
                connection.idle_since = now
                self._idle.append(connection)
                if self._sweep is None:
                    self._sweep_at(now + KEEP_ALIVE_SECONDS)
        if self._turns:
            self._pass_place_on()
        else:
            self._free += 1

    async def aclose(self) -> None:
        """Close idle connections now, and those in use when they are given back."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._idle.pop().abort()
        # The loop closes an aborted transport's socket on its next turn.
        await asyncio.sleep(0)

    def _sweep_at(self, moment: float) -> None:
        self._sweep = asyncio.get_running_loop().call_at(moment, self._close_old)

    def _close_old(self) -> None:
        until = monotonic() - KEEP_ALIVE_SECONDS
        while self._idle and (self._idle[0].idle_since <= until or not self._idle[0].is_open()):
            self._idle.popleft().abort()
        self._sweep = None
        if self._idle:
            self._sweep_at(self._idle[0].idle_since + KEEP_ALIVE_SECONDS)

    async def _turn(self, wait_until: float) -> bool:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._turns[turn] = None
        timer = loop.call_at(wait_until, _set_unless_done, turn, False)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self._pass_place_on()
            raise
        finally:
            timer.cancel()
            self._turns.pop(turn, None)

    def _pass_place_on(self) -> None:
        while self._turns:
            turn, _ = self._turns.popitem(last=False)
            if _set_unless_done(turn, True):
                return
        self._free += 1


def _set_unless_done(turn: asyncio.Future[bool], came: bool) -> bool:  # noqa: FBT001 - for call_at
    if turn.done():
        return False
    turn.set_result(came)
    return True
