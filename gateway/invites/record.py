"""Records of keyed invites: what they hold, what they mean, and how they may change.

    state      | the invite of this key                            | a request with the key
    -----------|---------------------------------------------------|-----------------------
    (none)     | was never sent                                    | sends
    SENDING    | is in progress until its lease ends, then unknown | waits
    INVITED    | was made                                          | gets the stored result
    REFUSED    | was refused by the upstream                       | gets the stored result
    UNKNOWN    | may or may not have been made                     | looks it up
    RELEASED   | was not made, as is proved                        | sends, as attempt + 1

A young record is never deleted: its attempt number fences off late settles by a process that was
paused, and a new row would start at 1 again.
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
    """The state of a key's invite; the values are kept on disk."""

    SENDING = "sending"
    INVITED = "invited"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RELEASED = "released"


SETTLED: Final = frozenset({State.INVITED, State.REFUSED, State.RELEASED})


# Not frozen: see CONTRIBUTING, "The hot path".
@dataclass(slots=True)
class Record:
    """What is on disk for one key of one caller; times are wall-clock seconds.

    `answer` is the JSON that a replay needs; a RELEASED record has one if none of its attempts was
    ever in doubt. `first_sent_at` is when the first attempt began whose outcome may be unknown.
    `absent` is when a look-up first did not find the candidate, `doubt` what the last look-up left
    open. `witness` says whether the invite was listed as soon as it was made; None if it was not
    looked up then. `caller` is the caller's name, if callers are distinguished.
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
    """The key was used with other input."""
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
    """The record of a new key; `doubt` is given if no look-up could ever settle its outcome."""
    return Record(
        identity.record_id,
        identity.fingerprint,
        identity.email_hash,
        identity.track_id,
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
    """`record` claimed for another attempt; the former attempt can no longer settle it."""
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
    """Whether an earlier attempt may have invited, whatever the upstream's list showed."""
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
    # `dataclasses.replace` takes more than twice as long.
    return Record(
        record.record_id,
        record.fingerprint,
        record.email_hash,
        record.track_id,
        record.attempt,
        state,
        record.created_at,
        now,
        record.first_sent_at,
        now,
        record.absent,
        answer,
        doubt,
        record.witness,
        record.caller,
    )


def in_doubt(record: Record, *, now: float) -> bool:
    """Whether the outcome is unknown and no attempt is in progress."""
    if record.state is State.UNKNOWN:
        return True
    return record.state is State.SENDING and now >= record.lease_until


def left_in_doubt(record: Record, doubt: Doubt, *, now: Moment, quiet_seconds: float) -> Record:
    """`record` after a look-up that left `doubt`.

    The first look-up without the candidate is noted on both clocks. It is noted again if the wall
    clock was set back since then, or if the quiet period would be over but was begun on another
    machine, whose ticks cannot be compared.
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
    """Whether `outcome`, the end of an attempt, may replace `current`.

    Only the latest attempt settles, and nothing replaces a final result. A 2xx outweighs what the
    reconciler has meanwhile concluded from the upstream's list.
    """
    if current.attempt != outcome.attempt:
        return False
    if current.state in (State.SENDING, State.UNKNOWN):
        return True
    return current.state is State.RELEASED and outcome.state is State.INVITED
