"""`gateway settle`: a person states the outcome of an invite in doubt."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.commands.records import in_doubt
from gateway.invites.models import InviteErrorCode, InviteFailure, InviteOutcome
from gateway.invites.record import Record, State, settled
from gateway.invites.store import Store
from gateway.invites.stored_result import pack, packed_invite
from gateway.operator_error import OperatorError
from gateway.settings.model import Settings
from gateway.stores.opening import opened_records

INVITED: Final = "invited"
NOT_INVITED: Final = "not-invited"


class SettleError(OperatorError):
    """The record cannot be settled; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A person's statement on the record in doubt whose id begins with `record`.

    `application_id` is that of the application that the invite created, if known.
    """

    record: str
    ended: str
    by: str
    application_id: str | None = None


def settle(settings: Settings, statement: Statement) -> str:
    """Settle the record; returns the line for the audit log. Raises SettleError and StoreError."""
    return asyncio.run(_settle(settings, statement))


async def _settle(settings: Settings, statement: Statement) -> str:
    async with opened_records(settings) as records:
        store = records.store
        record = await _the_one(store, statement.record)
        now = time.time()
        line = _audit_line(record, statement, now=now)
        # Stored before the record changes: one settled by hand always has this line to say by whom.
        await store.remember(f"settled:{record.record_id.hex()}:{record.attempt}", line.encode())
        if not await store.swap(_settled(record, statement, now=now), was=record):
            raise SettleError("the record has changed meanwhile: look at it again")
        return line


async def _the_one(store: Store, digits: str) -> Record:
    found = [one async for one in in_doubt(store) if one.record_id.hex().startswith(digits)]
    if not found:
        raise SettleError(f"no record in doubt begins with {digits}: see gateway records")
    if len(found) > 1:
        raise SettleError(f"several records begin with {digits}: give more of its digits")
    return found[0]


def _settled(record: Record, statement: Statement, *, now: float) -> Record:
    if statement.ended == NOT_INVITED:
        return settled(record, State.RELEASED, now=now)
    if statement.application_id is None:
        answer = pack(_invited_without_details(record.track_id))
    else:
        answer = packed_invite(
            application_id=statement.application_id,
            invite_link=None,
            invite_status=None,
            track_id=str(record.track_id),
        )
    return settled(record, State.INVITED, now=now, answer=answer)


def _invited_without_details(track_id: int) -> InviteFailure:
    return InviteFailure(
        code=InviteErrorCode.UPSTREAM_FAULT,
        message=(
            "The candidate has been invited, as somebody found out by hand. The invite itself"
            " cannot be shown: do not invite again."
        ),
        outcome=InviteOutcome.INVITED,
        retryable=False,
        track_id=str(track_id),
    )


def _audit_line(record: Record, statement: Statement, *, now: float) -> str:
    return json.dumps(
        {
            "event": "settled",
            "level": "info",
            "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds"),
            "by": statement.by,
            "key_hash": record.record_id.hex(),
            "email_hash": record.email_hash.hex(),
            "track_id": str(record.track_id),
            "attempt": record.attempt,
            "ended": statement.ended,
        }
    )
