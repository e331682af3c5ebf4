"""The interface of a store of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

from gateway.invites.record import Record, State
from gateway.operator_error import OperatorError


class StoreError(OperatorError):
    """The store cannot be used; the message is for the operator."""


class StoreUnavailableError(StoreError):
    """An operation failed, or it is unknown whether it was committed."""


class Store(Protocol):
    """Records on disk. An operation that returns is committed.

    Any method may raise StoreUnavailableError; whether it was committed is then unknown.
    """

    async def open(self) -> None:
        """Connect and migrate the tables; StoreError says why that is not possible."""

    async def close(self) -> None:
        """Finish pending operations, then close the files or connections."""

    async def read(self, record_id: bytes) -> Record | None:
        """The record as last committed."""

    async def insert(self, record: Record) -> bool:
        """True if there was no record with this id; of concurrent inserts only one gets True."""

    async def swap(self, record: Record, *, was: Record) -> bool:
        """Replace the record if it still has `was`'s attempt and state; False if it has not."""

    async def doubtful(
        self, *, now: float, after: bytes = b"", limit: int = 200
    ) -> Sequence[Record]:
        """Records in doubt at `now` with an id above `after`, by ascending id."""

    async def of_person(self, email_hash: bytes, track_id: int) -> Sequence[Record]:
        """The latest records of one person and track, whatever their keys; at most 100."""

    async def witnesses(self, track_id: int) -> Sequence[Record]:
        """The latest INVITED records of the track that were looked up when made; at most 10."""

    async def purge(self, *, before: float, limit: int) -> int:
        """Delete up to `limit` settled records last changed before `before`; returns how many.

        Records of persons stay, see `Hasher.identify_person`.
        """

    async def count(self) -> Mapping[State, int]:
        """The number of records in each state that has any."""

    async def remember(self, name: str, value: bytes) -> bytes:
        """The value under `name`; `value` is stored if there was none."""

    async def lease(self, name: str, holder: str, *, now: float, until: float) -> bool:
        """True if `holder` has the lease `name` until then; its holder can always renew it."""

    async def ping(self) -> None:
        """Write something, so that a read-only or full disk is noticed."""
