"""Admission control: bounds on concurrency, on the queue and on the wait."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

from contextlib import asynccontextmanager


class OverloadedError(Exception):
    """No place is free; nothing was done, and a retry a moment later may succeed."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("too much at once")
        self.retry_after_seconds = retry_after_seconds


class Admission:
    """Places for `limit` at a time; `queue` more may wait, first come first served."""

    def __init__(
        self, limit: int, *, queue: int, max_wait_seconds: float, retry_after_seconds: int = 1
    ) -> None:
        self._limit = limit
        self._queue = queue
        self._max_wait_seconds = max_wait_seconds
        self._retry_after_seconds = retry_after_seconds
        self._in_use = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def in_use(self) -> int:
        return self._in_use

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        # A freed place goes to the first waiter, so a free one means that the queue is empty.
        return self._in_use < self._limit

    def try_enter(self) -> bool:
        """Take a place if one is free, and return whether it was; release it with `leave`."""
        if self._in_use >= self._limit:
            return False
        self._in_use += 1
        return True

    async def enter(self, *, max_wait_seconds: float | None = None) -> None:
        """Take a place, to be released with `leave`; OverloadedError if none became free."""
        if self.try_enter():
            return
        wait = self._max_wait_seconds
        if max_wait_seconds is not None:
            wait = min(wait, max_wait_seconds)
        if len(self._waiting) >= self._queue:
            raise OverloadedError(self._retry_after_seconds)
        await self._wait(wait)

    def leave(self) -> None:
        """Release a place, or hand it to the longest waiter."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._in_use -= 1

    @asynccontextmanager
    async def place(self, *, max_wait_seconds: float | None = None) -> AsyncIterator[None]:
        """Hold a place during the block; OverloadedError if none became free."""
        await self.enter(max_wait_seconds=max_wait_seconds)
        try:
            yield
        finally:
            self.leave()

    async def _wait(self, seconds: float) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                # The place became free at the very moment the wait ended.
                if isinstance(error, TimeoutError):
                    return
                self.leave()
            else:
                self._waiting.remove(place)
            if isinstance(error, TimeoutError):
                raise OverloadedError(self._retry_after_seconds) from None
            raise
