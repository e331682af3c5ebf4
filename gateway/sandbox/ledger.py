"""What the stand-in has accepted: the latest invites in full, and exact counts of all."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.sandbox.bodies import InviteBody

MOST_KEPT = 100_000
FIRST_APPLICATION_ID = 1_000_001


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted `POST /tracks/invite`."""

    application_id: int
    body: InviteBody
    accepted_at: datetime
    idempotency_key: str | None

    @property
    def emailed(self) -> bool:
        return self.body.invite_format == "sendlink"

    @property
    def candidate_id(self) -> int:
        """The same for the same address, whatever its case."""
        address = self.body.candidate_email.lower().encode()
        return int.from_bytes(hashlib.blake2b(address, digest_size=6).digest()) + 1


class Ledger:
    """Keeps the latest `most_kept` invites; older ones are only counted."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        most_kept: int = MOST_KEPT,
        listed_after_seconds: float = 0.0,
    ) -> None:
        self._now = now
        self._listed_after = timedelta(seconds=listed_after_seconds)
        self._next_id = FIRST_APPLICATION_ID
        self._kept: deque[Accepted] = deque(maxlen=most_kept)
        self.count = 0
        self.emailed = 0

    def accept(self, body: InviteBody, *, idempotency_key: str | None) -> Accepted:
        # Whole milliseconds, as they are shown, so that a shown date finds its invite.
        now = self._now()
        accepted_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        accepted = Accepted(self._next_id, body, accepted_at, idempotency_key)
        self._next_id += 1
        self._kept.append(accepted)
        self.count += 1
        self.emailed += accepted.emailed
        return accepted

    def clear(self) -> None:
        """Forget all invites; application ids are never given twice all the same."""
        self._kept.clear()
        self.count = self.emailed = 0

    def __iter__(self) -> Iterator[Accepted]:
        return iter(self._kept)

    def find(self, application_id: int) -> Accepted | None:
        """The invite with this id, unless it is too old to be kept."""
        if not self._kept:
            return None
        # Ids are handed out without gaps, so the place follows from the id.
        place = application_id - self._kept[0].application_id
        return self._kept[place] if 0 <= place < len(self._kept) else None

    def lists(self, accepted: Accepted, track_id: int) -> bool:
        """Whether the applicants list of the track shows the invite by now."""
        listed_at = accepted.accepted_at + self._listed_after
        return accepted.body.track_id == track_id and listed_at <= self._now()

    def listed(self, track_id: int) -> Iterator[Accepted]:
        """The track's invites that the applicants list shows by now, latest first."""
        return (accepted for accepted in reversed(self._kept) if self.lists(accepted, track_id))
