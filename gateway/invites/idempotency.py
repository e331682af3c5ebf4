"""Records of keyed invites: what they hold, what they mean, and how they may change.

    state      | the invite of this key                            | a request with the key
    -----------|---------------------------------------------------|-----------------------
    (none)     | was never sent                                    | sends
    SENDING    | is on its way until the lease ends, then in doubt | waits
    INVITED    | was made                                          | gets the stored answer
    REFUSED    | was refused by the upstream                       | gets the stored answer
    UNKNOWN    | may or may not have been made                     | reads back
    RELEASED   | was not made, and that is proved                  | sends, as attempt + 1

A record is never deleted while it is young: its attempt number fences the settles of a process
that was paused, and would start anew with the row.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from gateway.invites.inputs import in_small

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.invites.models import InviteRequest


class StoreError(Exception):
    """The store cannot be used; the message is for the operator."""


class StoreUnavailableError(StoreError):
    """An operation failed, or nobody knows whether it was committed."""


class State(Enum):
    """Where the invite of a key stands; the values are what is on disk."""

    SENDING = "sending"
    INVITED = "invited"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RELEASED = "released"


SETTLED: Final = frozenset({State.INVITED, State.REFUSED, State.RELEASED})


@dataclass(frozen=True, slots=True)
class Identity:
    """A keyed request as keyed hashes: no name, no address and no key can be read from it."""

    record_id: bytes
    fingerprint: bytes
    email_hash: bytes
    track_id: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is on disk for one key of one caller; times are wall-clock seconds.

    `answer` is the JSON a replay needs. `first_sent_at` is since when the invite may have been
    made: attempts that are proved to have done nothing do not count. `absent_since` is when the
    upstream's list was first seen without the candidate.
    """

    record_id: bytes
    fingerprint: bytes
    email_hash: bytes
    track_id: int
    attempt: int
    state: State
    created_at: float
    updated_at: float
    first_sent_at: float
    lease_until: float
    absent_since: float | None = None
    answer: bytes | None = None


class Hasher:
    """Keyed hashes (HMAC-SHA-256, 32 bytes) under one secret, each kind in its own domain."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def identify(self, request: InviteRequest, key: str, *, scope: str) -> Identity:
        """The identity of `request` under `key`; keys of different scopes never meet."""
        canonical = [
            request.candidate_name,
            request.candidate_email,
            request.track_id,
            request.invite_format.value,
        ]
        return Identity(
            record_id=self.record_id(key, scope=scope),
            fingerprint=self._hash("input", json.dumps(canonical)),
            email_hash=self.email(request.candidate_email),
            track_id=request.track_id,
        )

    def record_id(self, key: str, *, scope: str) -> bytes:
        """Under which the record of a caller's key is kept."""
        return self._hash("key", json.dumps([scope, key]))

    def email(self, address: str) -> bytes:
        """The same for every spelling of an address that differs in case alone."""
        return self._hash("email", in_small(address))

    def check_value(self) -> bytes:
        """Tells one secret from another without giving it away."""
        return self._hash("check", "")

    def _hash(self, kind: str, text: str) -> bytes:
        message = kind.encode() + b"\0" + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, message, hashlib.sha256)


class Standing(Enum):
    """What an existing record means for a request with its key."""

    REUSED = "reused"
    """The key was used for other input."""
    ANSWERED = "answered"
    IN_FLIGHT = "in flight"
    IN_DOUBT = "in doubt"
    FREE = "free"


def standing(record: Record, fingerprint: bytes, *, now: float) -> Standing:
    """What `record` means for a request with `fingerprint` at `now`."""
    if not hmac.compare_digest(record.fingerprint, fingerprint):
        return Standing.REUSED
    if record.state in (State.INVITED, State.REFUSED):
        return Standing.ANSWERED
    if record.state is State.RELEASED:
        return Standing.FREE
    if record.state is State.SENDING and now < record.lease_until:
        return Standing.IN_FLIGHT
    return Standing.IN_DOUBT


def first_claim(identity: Identity, *, now: float, lease_seconds: float) -> Record:
    """The record of a key that was never used."""
    return Record(
        record_id=identity.record_id,
        fingerprint=identity.fingerprint,
        email_hash=identity.email_hash,
        track_id=identity.track_id,
        attempt=1,
        state=State.SENDING,
        created_at=now,
        updated_at=now,
        first_sent_at=now,
        lease_until=now + lease_seconds,
    )


def next_claim(record: Record, *, now: float, lease_seconds: float) -> Record:
    """`record` taken over for another attempt; the former attempt can change nothing any more."""
    is_first = record.state is State.RELEASED and may_be_first(record)
    return replace(
        record,
        attempt=record.attempt + 1,
        state=State.SENDING,
        updated_at=now,
        first_sent_at=now if is_first else record.first_sent_at,
        lease_until=now + lease_seconds,
        absent_since=None,
        answer=None,
    )


def settled(record: Record, state: State, *, now: float, answer: bytes | None = None) -> Record:
    """`record` after its attempt ended in `state`."""
    return replace(record, state=state, updated_at=now, lease_until=now, answer=answer)


def may_be_first(record: Record) -> bool:
    """No attempt before the one that `record` tells of can have invited anybody."""
    return record.first_sent_at == record.updated_at


def proved_undone(claim: Record, *, now: float, answer: bytes) -> Record:
    """`claim` after its attempt is proved to have invited nobody; doubt of earlier ones stays."""
    outcome = settled(claim, State.RELEASED, now=now, answer=answer)
    return replace(outcome, first_sent_at=now) if may_be_first(claim) else outcome


def in_doubt(record: Record, *, now: float) -> bool:
    """Nobody is sending, and nobody knows what happened."""
    if record.state is State.UNKNOWN:
        return True
    return record.state is State.SENDING and now >= record.lease_until


def seen_absent(record: Record, *, now: float) -> Record:
    """`record` after the upstream's list was looked at and did not show the candidate."""
    since = now if record.absent_since is None else record.absent_since
    return replace(record, state=State.UNKNOWN, absent_since=since)


def absence_is_proof(record: Record, *, now: float, quiet_seconds: float) -> bool:
    """The list was seen without the candidate before, a quiet period ago: it is not lagging."""
    return record.absent_since is not None and now - record.absent_since >= quiet_seconds


def accepts(current: Record, outcome: Record) -> bool:
    """`outcome`, the end of an attempt, may replace `current`.

    Only the latest attempt settles, and nothing replaces a final answer. A 2xx outweighs what the
    reconciler concluded from the upstream's list in the meantime.
    """
    if current.attempt != outcome.attempt:
        return False
    if current.state in (State.SENDING, State.UNKNOWN):
        return True
    return current.state is State.RELEASED and outcome.state is State.INVITED


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

    async def latest_invited(self, *, before: float, limit: int) -> Sequence[Record]:
        """INVITED records last changed before `before`, the latest first."""

    async def purge(self, *, before: float, limit: int) -> int:
        """Delete up to `limit` settled records last changed before `before`; says how many."""

    async def count(self) -> Mapping[State, int]:
        """How many records there are in each state that has any."""

    async def remember(self, name: str, value: bytes) -> bytes:
        """The value kept under `name`: `value`, or what was there before."""

    async def lease(self, name: str, holder: str, *, now: float, until: float) -> bool:
        """True if `holder` has the lease `name` until then; renewing one's own always works."""

    async def ping(self) -> None:
        """Write something, so that a read-only or full disk shows."""
