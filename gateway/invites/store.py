"""What the core needs of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

from gateway.invites.record import Record, State
from gateway.operator_error import OperatorError


class StoreError(OperatorError):
    """The store cannot be used; the message is for the operator."""


class StoreUnavailableError(StoreError):
    """An operation failed, or nobody knows whether it was committed."""


class Store(Protocol):
    """Records on disk. What returned is committed; StoreUnavailableError leaves it open.

    Any method may raise StoreUnavailableError.
    """

    async def open(self) -> None:
        """Connect and bring the tables up to date; StoreError tells the operator why not."""

    async def close(self) -> None:
        """Finish what was asked for, then let go of the files or connections."""

    async def read(self, record_id: bytes) -> Record | None:
        """The record as last committed."""

    async def insert(self, record: Record) -> bool:
        """True if there was no record with this id; of racing inserts one gets it."""

    async def swap(self, record: Record, *, was: Record) -> bool:
        """True if the record still had `was`'s attempt and state; else nothing changed."""

    async def doubtful(
        self, *, now: float, after: bytes = b"", limit: int = 200
    ) -> Sequence[Record]:
        """Records that are in doubt at `now`, by ascending id, those above `after`."""

    async def of_person(self, email_hash: bytes, track_id: int) -> Sequence[Record]:
        """The latest records of one person and track, whatever their keys; at most 100."""

    async def witnesses(self, track_id: int) -> Sequence[Record]:
        """The latest INVITED records of the track that were looked up at once; at most 10."""

    async def purge(self, *, before: float, limit: int) -> int:
        """Delete up to `limit` settled records last changed before `before`; says how many.

        Records of persons stay, see `Hasher.identify_person`.
        """

    async def count(self) -> Mapping[State, int]:
        """How many records there are in each state that has any."""

    async def remember(self, name: str, value: bytes) -> bytes:
        """The value kept under `name`: `value`, or what was there before."""

    async def lease(self, name: str, holder: str, *, now: float, until: float) -> bool:
        """True if `holder` has the lease `name` until then; renewing one's own always works."""

    async def ping(self) -> None:
        """Write something, so that a read-only or full disk shows."""
