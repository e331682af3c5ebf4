"""`gateway records`: the records in doubt, which a person may have to settle."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

from gateway.invites.doubt import Doubt
from gateway.invites.inputs import normalised_email
from gateway.invites.record import Record, State
from gateway.invites.store import Store
from gateway.settings.model import Settings
from gateway.stores.opening import opened_records

SHOWN_DIGITS: Final = 16


def records_in_doubt(settings: Settings, *, email: str | None = None) -> list[Record]:
    """The oldest first; only those of `email`, if given. Raises StoreError."""
    return asyncio.run(_records_in_doubt(settings, email))


async def _records_in_doubt(settings: Settings, email: str | None) -> list[Record]:
    async with opened_records(settings) as records:
        found = [one async for one in in_doubt(records.store)]
        if email is not None:
            email_hash = records.hasher.email(normalised_email(email) or email.strip())
            found = [one for one in found if one.email_hash == email_hash]
        return sorted(found, key=lambda one: one.first_sent_at)


async def in_doubt(store: Store) -> AsyncIterator[Record]:
    """All records in doubt, by ascending id."""
    after = b""
    while page := await store.doubtful(now=time.time(), after=after):
        for record in page:
            yield record
        after = page[-1].record_id


def as_text(records: Sequence[Record]) -> str:
    """For people: a line for each record, and another for the reason."""
    if not records:
        return "No record is in doubt."
    return "\n".join(
        f"{record.record_id.hex()[:SHOWN_DIGITS]}  track {record.track_id}  since {_since(record)}"
        f"  address {record.email_hash.hex()[:SHOWN_DIGITS]}"
        f"{f'  of {record.caller}' if record.caller else ''}\n  {_why(record)}"
        for record in records
    )


def as_json(records: Sequence[Record]) -> str:
    """For machines; the hashes are the same as in the audit log."""
    return json.dumps(
        [
            {
                "record": record.record_id.hex(),
                "trackId": str(record.track_id),
                "since": _since(record),
                "attempt": record.attempt,
                "emailHash": record.email_hash.hex(),
                "caller": record.caller,
                "doubt": _doubt(record).value,
                "why": _why(record),
                "settlesItself": _doubt(record).settles_itself,
            }
            for record in records
        ]
    )


def _since(record: Record) -> str:
    return datetime.fromtimestamp(record.first_sent_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _doubt(record: Record) -> Doubt:
    return record.doubt or Doubt.NOT_LOOKED_UP


def _why(record: Record) -> str:
    why = _doubt(record).description
    if record.state is State.SENDING:
        return f"the gateway was interrupted before the outcome was recorded; {why}"
    return why
