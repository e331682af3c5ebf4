"""Records as rows, and the numbered migrations: what both stores have in common."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

from gateway.invites.record import Record, State
from gateway.invites.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS: Final = (
    "record_id, fingerprint, email_hash, track_id, attempt, state, created_at, updated_at,"
    " first_sent_at, lease_until, absent_since, answer"
)


def to_row(record: Record) -> tuple[bytes | int | str | float | None, ...]:
    """The values of COLUMNS."""
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
        record.absent_since,
        record.answer,
    )


def from_row(row: Sequence[object]) -> Record:
    """The record whose columns are `row`, in the order of COLUMNS."""
    values = list(row)
    values[5] = State(values[5])
    return Record(*values)  # type: ignore[arg-type]  # the tables are STRICT


def migrations(dialect: str) -> list[str]:
    """The scripts of `dialect` in order; script n brings a database to version n."""
    folder = resources.files(__package__) / "migrations" / dialect
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text("utf-8") for name in names]


def pending(scripts: Sequence[str], *, version: int) -> Sequence[str]:
    """What is left to run on a database of `version`; a newer database is refused."""
    if version > len(scripts):
        raise StoreError(
            f"the store was made by a newer gateway (version {version} of its tables,"
            f" this one knows {len(scripts)}): run that one, or name another store"
        )
    return scripts[version:]
