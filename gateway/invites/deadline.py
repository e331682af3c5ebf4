"""Deadlines on the event loop's clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


# Not frozen: see CONTRIBUTING, "The hot path".
@dataclass(slots=True)
class Deadline:
    """A moment; `at` is on the event loop's clock."""

    at: float

    @property
    def seconds_left(self) -> float:
        """Negative once it has passed."""
        return self.at - asyncio.get_running_loop().time()

    def later(self, seconds: float) -> Deadline:
        return Deadline(self.at + seconds)

    def at_most(self, seconds: float) -> Deadline:
        """The same deadline, or the one `seconds` from now if that is earlier."""
        return Deadline(min(self.at, asyncio.get_running_loop().time() + seconds))


def within(seconds: float) -> Deadline:
    """The deadline `seconds` from now."""
    return Deadline(asyncio.get_running_loop().time() + seconds)
