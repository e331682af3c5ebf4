"""Claims of keys: on disk before anything is sent, and each valid for one attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.invites.doubt import Doubt
from gateway.invites.record import first_claim, next_claim

if TYPE_CHECKING:
    from gateway.invites.clocks import Clocks, Moment
    from gateway.invites.identity import Identity
    from gateway.invites.models import Origin
    from gateway.invites.record import Record
    from gateway.invites.store import Store


# Not frozen: see CONTRIBUTING, "The hot path".
@dataclass(slots=True)
class Claim:
    """A record in state SENDING, and until when sending may begin."""

    record: Record
    at: Moment
    lease_seconds: float
    clocks: Clocks

    def may_send(self) -> bool:
        """Whether the lease still holds, so that no other gateway can have taken the claim over.

        Both clocks are checked: one stops during suspend, the other can be set.
        """
        now, most = self.clocks(), self.lease_seconds / 2
        return now.wall - self.at.wall < most and now.ticks - self.at.ticks < most


class Claims:
    """Takes claims, each with a lease."""

    def __init__(self, store: Store, *, lease_seconds: float, clocks: Clocks) -> None:
        self._store = store
        self._lease_seconds = lease_seconds
        self._clocks = clocks

    async def take(self, was: Record | None, identity: Identity, origin: Origin) -> Claim | None:
        """The claim, or None if the record has changed from what it `was`.

        Raises StoreUnavailableError; the claim may then be on disk all the same.
        """
        at = self._clocks()
        if was is None:
            own_key = origin.upstream_api_key is not None
            record = first_claim(
                identity,
                now=at.wall,
                lease_seconds=self._lease_seconds,
                doubt=Doubt.OWN_KEY if own_key else None,
                caller=origin.caller,
            )
            taken = await self._store.insert(record)
        else:
            record = next_claim(was, now=at.wall, lease_seconds=self._lease_seconds)
            taken = await self._store.swap(record, was=was)
        return Claim(record, at, self._lease_seconds, self._clocks) if taken else None
