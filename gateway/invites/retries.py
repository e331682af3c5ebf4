"""When another attempt is made, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.invites.outcomes import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

PROVED_UNDONE: Final = frozenset({Verdict.NOT_SENT, Verdict.NOT_PROCESSED})


class RetryBudget:
    """Limits retries to a share of the traffic, so that they cannot multiply an outage.

    `reserve` retries are allowed before any traffic has earned one.
    """

    def __init__(self, *, share: float = 0.1, reserve: float = 10.0) -> None:
        self._share = share
        self._reserve = reserve
        self._saved = reserve

    def earn(self) -> None:
        """Count one first attempt."""
        if self._saved < self._reserve:
            self._saved += self._share

    def spend(self) -> bool:
        """Take one retry from the budget; False if there is none left."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff from `first_wait_seconds`, doubled each time, with full jitter.

    `chance` gives numbers from 0 to 1. `after` are the verdicts that allow another attempt; each
    must prove that nothing was done.
    """

    attempts: int = 3
    first_wait_seconds: float = 0.2
    longest_wait_seconds: float = 2.0
    after: frozenset[Verdict] = PROVED_UNDONE
    chance: Callable[[], float] = random.random

    def wait_before_next(
        self, judgement: Judgement, *, attempts: int, seconds_left: float
    ) -> float | None:
        """Seconds to wait after `attempts` attempts; None for no further attempt.

        Another attempt needs proof that nothing was done. A `Retry-After` is waited for in full;
        if it does not fit into `seconds_left`, it is left to the caller.
        """
        if attempts >= self.attempts or not judgement.retryable:
            return None
        if judgement.verdict not in self.after:
            return None
        most = min(self.longest_wait_seconds, self.first_wait_seconds * 2 ** (attempts - 1))
        wait = self.chance() * most
        if judgement.retry_after_seconds is not None:
            # The jitter is added to the upstream's hint, so that no attempt comes before it.
            wait += judgement.retry_after_seconds
        return wait if wait < seconds_left else None
