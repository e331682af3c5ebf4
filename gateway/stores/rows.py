"""What both stores share: records as rows, and the numbered migrations."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

from gateway.invites.clocks import Moment
from gateway.invites.doubt import Doubt
from gateway.invites.record import Record, State
from gateway.invites.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS: Final = (
    "record_id, fingerprint, email_hash, track_id, attempt, state, created_at, updated_at,"
    " first_sent_at, lease_until, absent_since, answer, doubt, witness, absent_ticks, absent_boot,"
    " caller"
)
WIDTH: Final = COLUMNS.count(",") + 1


def to_row(record: Record) -> tuple[bytes | int | str | float | None, ...]:
    """The values of COLUMNS."""
    absent, doubt, witness = record.absent, record.doubt, record.witness
    return (
        record.record_id,
        record.fingerprint,
        record.email_hash,
        record.track_id,
        record.attempt,
        record.state.value,
        record.created_at,
        record.updated_at,
        record.first_sent_at,
        record.lease_until,
        None if absent is None else absent.wall,
        record.answer,
        None if doubt is None else doubt.value,
        None if witness is None else int(witness),
        None if absent is None else absent.ticks,
        None if absent is None else absent.boot,
        record.caller,
    )


def from_row(row: Sequence[object]) -> Record:
    """The record whose columns are `row`, in the order of COLUMNS."""
    *kept, absent_since, answer, doubt, witness, ticks, boot, caller = row
    kept[5] = State(kept[5])
    absent = None
    if absent_since is not None:
        # Tables before version 2 kept only the wall clock.
        absent = Moment(absent_since, ticks or 0.0, boot or "")  # type: ignore[arg-type]  # the tables are STRICT
    later = (
        absent,
        answer,
        None if doubt is None else Doubt(doubt),
        None if witness is None else bool(witness),
        caller,
    )
    return Record(*kept, *later)  # type: ignore[arg-type, call-arg]  # as above


def migrations(dialect: str) -> list[str]:
    """The scripts of `dialect` in order; script n migrates a database to version n."""
    folder = resources.files(__package__) / "migrations" / dialect
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text("utf-8") for name in names]


def pending(scripts: Sequence[str], *, version: int) -> Sequence[str]:
    """The scripts still to run on a database of `version`; StoreError if it is a newer one."""
    if version > len(scripts):
        raise StoreError(
            f"the store was made by a newer gateway (version {version} of its tables,"
            f" this one knows {len(scripts)}): run that one, or name another store"
        )
    return scripts[version:]
