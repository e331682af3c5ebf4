"""Summarises a run for the person who started it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.invites.models import InviteOutcome
from gateway.spreadsheet.preview import counted
from gateway.spreadsheet.standing import Standing, status_of

_ROWS_SHOWN: Final = 8
_LONGEST_REASON: Final = 160


@dataclass(frozen=True, slots=True)
class Tally:
    """The final status of each row. `stopped` is why the run ended before its last row."""

    standings: Sequence[tuple[int, Standing]]
    wants_links: bool = False
    stopped: str | None = None
    interrupted: bool = False
    declined: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether everybody is invited, and has a link if links were requested."""
        return not (self.interrupted or self.declined or self.stopped) and all(
            one.outcome is InviteOutcome.INVITED and not (self.wants_links and not one.link)
            for _, one in self.standings
        )

    def failed(self) -> list[tuple[int, Standing]]:
        """The people who are not invited."""
        return [
            (line, one) for line, one in self.standings if one.outcome is InviteOutcome.NOT_INVITED
        ]

    def summary(self) -> str:
        """Counts all rows, and lists those that need attention with the reason."""
        counts = Counter(one.outcome for _, one in self.standings)
        earlier = sum(one.is_earlier for _, one in self.standings)
        of_each = ", ".join(f"{counts[outcome]} {status_of(outcome)}" for outcome in InviteOutcome)
        since = f" ({earlier} of them before this run)" if earlier else ""
        rows = counted(len(self.standings), "row")
        lines = [f"{rows}: {of_each}".replace(" invited", f" invited{since}", 1) + "."]
        if self.stopped is not None:
            lines.append(f"Stopped early: {self.stopped}")
        for outcome in (InviteOutcome.NOT_INVITED, InviteOutcome.UNKNOWN):
            lines += self._reasons(outcome)
        lines += self._without_link()
        if self.interrupted:
            lines.append("Interrupted. Run the same command again: it sends only what is left.")
        return "\n".join(lines)

    def _reasons(self, outcome: InviteOutcome) -> list[str]:
        rows: dict[str, list[int]] = defaultdict(list)
        for number, one in self.standings:
            if one.outcome is outcome:
                rows[one.reason].append(number)
        heading = f"{status_of(outcome).capitalize()}:"
        return [heading, *(f"  {_places(at)}: {_short(why)}" for why, at in rows.items())] * (
            bool(rows)
        )

    def _without_link(self) -> list[str]:
        rows = [
            number
            for number, one in self.standings
            if self.wants_links and one.outcome is InviteOutcome.INVITED and not one.link
        ]
        if not rows:
            return []
        return [
            "Invited, but without a link:",
            f"  {_places(rows)}: look the link up on the platform.",
        ]


def _places(rows: Sequence[int]) -> str:
    """The rows and their count; only the first ones if there are many."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    shown = ", ".join(map(str, rows[:_ROWS_SHOWN]))
    more = f" and {len(rows) - _ROWS_SHOWN} more" if len(rows) > _ROWS_SHOWN else ""
    return f"{len(rows)} rows ({shown}{more})"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"
