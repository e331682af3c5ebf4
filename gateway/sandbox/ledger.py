"""The accepted invites: the latest in full, and exact counts of all."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.sandbox.bodies import InviteBody
from gateway.sandbox.platform import Listed, Platform

MOST_KEPT = 100_000
FIRST_APPLICATION_ID = 1_000_001


@dataclass(slots=True)
class Accepted:
    """One accepted `POST /tracks/invite`."""

    application_id: int
    body: InviteBody
    accepted_at: datetime
    idempotency_key: str | None
    is_opened: bool = False
    """Whether the page behind its link has been opened."""

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
        platform: Platform | None = None,
    ) -> None:
        self.platform = platform or Platform()
        self._now = now
        self._next_id = FIRST_APPLICATION_ID
        self._most_kept = most_kept
        self._kept: deque[Accepted] = deque()
        self._by_person: dict[tuple[int, str], Accepted] = {}
        self.count = 0
        self.emailed = 0

    def accept(self, body: InviteBody, *, idempotency_key: str | None) -> Accepted:
        # Whole milliseconds, as they are shown, so that a shown date finds its invite.
        now = self._now()
        accepted_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        accepted = Accepted(self._next_id, body, accepted_at, idempotency_key)
        self._next_id += 1
        self._keep(accepted)
        self.count += 1
        self.emailed += accepted.emailed
        return accepted

    def earlier(self, body: InviteBody) -> Accepted | None:
        """The latest invite of the same address to the same track, if it is kept."""
        return self._by_person.get(_person(body))

    def clear(self) -> None:
        """Forget all invites; application ids are still never reused."""
        self._kept.clear()
        self._by_person.clear()
        self.count = self.emailed = 0

    def __iter__(self) -> Iterator[Accepted]:
        return iter(self._kept)

    def __reversed__(self) -> Iterator[Accepted]:
        return reversed(self._kept)

    def find(self, application_id: int) -> Accepted | None:
        """The invite with this id, or None if it is not kept any more."""
        if not self._kept:
            return None
        # Ids have no gaps, so the index follows from the id.
        place = application_id - self._kept[0].application_id
        return self._kept[place] if 0 <= place < len(self._kept) else None

    def lists(self, accepted: Accepted, track_id: int) -> bool:
        """Whether the applicants list of the track shows the invite by now."""
        return accepted.body.track_id == track_id and self._is_shown(accepted)

    def listed(self, track_id: int) -> Iterator[Accepted]:
        """The track's invites that the applicants list shows by now, latest first."""
        return (accepted for accepted in reversed(self._kept) if self.lists(accepted, track_id))

    def _is_shown(self, accepted: Accepted) -> bool:
        platform = self.platform.towards(accepted.body.candidate_email)
        match platform.listed:
            case Listed.AT_ONCE:
                return True
            case Listed.OPENED:
                return accepted.is_opened
            case Listed.LATE:
                late = timedelta(seconds=platform.late_seconds)
                return accepted.accepted_at + late <= self._now()
            case Listed.NEVER:
                return False

    def _keep(self, accepted: Accepted) -> None:
        self._kept.append(accepted)
        self._by_person[_person(accepted.body)] = accepted
        if len(self._kept) > self._most_kept:
            oldest = self._kept.popleft()
            if self._by_person[_person(oldest.body)] is oldest:
                del self._by_person[_person(oldest.body)]


def _person(body: InviteBody) -> tuple[int, str]:
    return body.track_id, body.candidate_email.lower()
