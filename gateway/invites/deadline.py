"""Deadlines on the monotonic clock, by which event loops keep time as well."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic


# Not frozen: see CONTRIBUTING, "The hot path".
@dataclass(slots=True)
class Deadline:
    """A moment; `at` is on the monotonic clock."""

    at: float

    @property
    def seconds_left(self) -> float:
        """Negative once it has passed."""
        return self.at - monotonic()

    def later(self, seconds: float) -> Deadline:
        return Deadline(self.at + seconds)

    def at_most(self, seconds: float) -> Deadline:
        """The same deadline, or the one `seconds` from now if that is earlier."""
        return Deadline(min(self.at, monotonic() + seconds))


def within(seconds: float) -> Deadline:
    """The deadline `seconds` from now."""
    # Not the loop's `time`: finding the running loop is a system call (`getpid`) in Python 3.11.
    return Deadline(monotonic() + seconds)
