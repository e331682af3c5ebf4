"""What the person who starts a run chooses, and is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.spreadsheet.headings import Wanted
from gateway.spreadsheet.plan import Plan
from gateway.spreadsheet.track import TrackLook


class Screen(Protocol):
    """Whoever is watching the run."""

    def confirm(self, plan: Plan, track: TrackLook) -> bool:
        """Whether to go on with what is planned."""

    def progress(self, done: int, waits_for: str) -> None:
        """So many rows are done; `waits_for` says why it does not get on, or is empty."""

    def stopping(self) -> None:
        """The run was told to stop, and ends what is on its way."""


@dataclass(frozen=True, slots=True)
class Options:
    """`patience_seconds` is how long the platform's limit may hold one row up."""

    patience_seconds: float = 300.0
    limit: int | None = None
    wanted: Wanted = Wanted()  # noqa: RUF009 - frozen
