"""Operations that wait at the same time share the cost of one commit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Work = TypeVar("Work")

BATCH: Final = 64


@dataclass(slots=True, eq=False)
class Waiting(Generic[Work]):
    """An operation, and the future of its result; the future may be cancelled."""

    work: Work
    done: asyncio.Future[Any]

    def complete(self, result: object) -> None:
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Batches(Generic[Work]):
    """Gathers operations into batches of up to `BATCH`; `at_once` are in progress at a time.

    `begin` starts one, and calls `ended` at its end. A batch waits only while another pass of the
    event loop brings more operations.
    """

    def __init__(
        self, begin: Callable[[Sequence[Waiting[Work]]], None], *, at_once: int = 1
    ) -> None:
        self._begin = begin
        self._at_once = at_once
        self._in_progress = 0
        self._waiting: list[Waiting[Work]] = []
        self._is_gathering = False

    def add(self, work: Work) -> asyncio.Future[Any]:
        """The future of the operation's result."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(work, done))
        self._gather_more()
        return done

    def ended(self) -> None:
        """A batch has ended, and its operations have their results."""
        self._in_progress -= 1
        self._gather_more()

    def begin_all(self) -> None:
        """Begin whatever waits, without regard to what is in progress."""
        while self._waiting:
            self._begin_one()

    def _gather_more(self) -> None:
        if self._waiting and not self._is_gathering and self._in_progress < self._at_once:
            self._is_gathering = True
            asyncio.get_running_loop().call_soon(self._gather, 0)

    def _gather(self, had: int) -> None:
        has = len(self._waiting)
        if had < has < BATCH:
            asyncio.get_running_loop().call_soon(self._gather, has)
            return
        self._is_gathering = False
        if has:
            self._begin_one()
            self._gather_more()

    def _begin_one(self) -> None:
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        self._in_progress += 1
        self._begin(batch)
