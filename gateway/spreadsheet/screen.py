"""The interface between a run and the person who starts it."""

from __future__ import annotations

from typing import Protocol

from gateway.spreadsheet.plan import Plan
from gateway.spreadsheet.track import TrackLook


class Screen(Protocol):
    """Shows the run to the person who started it."""

    def confirm(self, plan: Plan, track: TrackLook) -> bool:
        """Whether to carry out the plan."""

    def progress(self, done: int, waits_for: str) -> None:
        """`done` rows are finished; `waits_for` is why the run is waiting, or empty."""

    def stopping(self) -> None:
        """The run was interrupted, and waits for the invites in progress."""
