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

import hmac
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from gateway.invites.clocks import Moment
from gateway.invites.doubt import Doubt
from gateway.invites.identity import Identity


class State(Enum):
    """Where the invite of a key stands; the values are what is on disk."""

    SENDING = "sending"
    INVITED = "invited"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RELEASED = "released"


SETTLED: Final = frozenset({State.INVITED, State.REFUSED, State.RELEASED})


@dataclass(frozen=True, slots=True)
class Record:
    """What is on disk for one key of one caller; times are wall-clock seconds.

    `answer` is the JSON a replay needs; a RELEASED record has one if none of its attempts was ever
    in doubt. `first_sent_at` is when the first attempt began whose end may still be open.
    `absent` is when the platform's list was first seen without the candidate, `doubt` what the last
    look at it left open. `witness` says whether the invite was seen in that list as soon as it was
    made; None if it was not looked up then. `caller` is whose request it was, if callers are
    told apart.
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
    absent: Moment | None = None
    answer: bytes | None = None
    doubt: Doubt | None = None
    witness: bool | None = None
    caller: str | None = None


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


def first_claim(
    identity: Identity,
    *,
    now: float,
    lease_seconds: float,
    doubt: Doubt | None = None,
    caller: str | None = None,
) -> Record:
    """The record of a key that was never used; `doubt` is what nobody could settle later."""
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
        doubt=doubt,
        caller=caller,
    )


def next_claim(record: Record, *, now: float, lease_seconds: float) -> Record:
    """`record` taken over for another attempt; the former attempt can change nothing any more."""
    nothing_open = record.state is State.RELEASED and record.answer is not None
    return replace(
        record,
        attempt=record.attempt + 1,
        state=State.SENDING,
        updated_at=now,
        first_sent_at=now if nothing_open else record.first_sent_at,
        lease_until=now + lease_seconds,
        absent=None,
        answer=None,
    )


def follows_doubt(claim: Record) -> bool:
    """An earlier attempt than this one may have invited, whatever the upstream's list showed."""
    return claim.first_sent_at != claim.updated_at


def settled(
    record: Record,
    state: State,
    *,
    now: float,
    answer: bytes | None = None,
    doubt: Doubt | None = None,
) -> Record:
    """`record` after its attempt ended in `state`."""
    return replace(record, state=state, updated_at=now, lease_until=now, answer=answer, doubt=doubt)


def in_doubt(record: Record, *, now: float) -> bool:
    """Nobody is sending, and nobody knows what happened."""
    if record.state is State.UNKNOWN:
        return True
    return record.state is State.SENDING and now >= record.lease_until


def left_in_doubt(record: Record, doubt: Doubt, *, now: Moment, quiet_seconds: float) -> Record:
    """`record` after a look at the platform's list that left `doubt`.

    The first look without the candidate is noted with both clocks. It is noted anew if the wall
    clock was set back since then, or if its quiet period would be over and was begun by another
    machine, whose second clock this one cannot read.
    """
    absent = record.absent
    if doubt is Doubt.NOT_LISTED and (
        absent is None
        or now.wall < absent.wall
        or (now.boot != absent.boot and now.wall - absent.wall >= quiet_seconds)
    ):
        absent = now
    return replace(record, state=State.UNKNOWN, absent=absent, doubt=doubt)


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
