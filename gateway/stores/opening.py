"""Which store a URL means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from gateway.invites.store import Store

SQLITE: Final = "sqlite:///"
IN_MEMORY: Final = "sqlite:///:memory:"
POSTGRES: Final = ("postgresql://", "postgres://")


def is_shareable(url: str) -> bool:
    """True if several processes may use the store at a time."""
    return url.startswith(POSTGRES)


def check_url(url: str) -> str:
    """`url` if it names a store; else ValueError says which URLs do."""
    if url.startswith(POSTGRES) or (url.startswith(SQLITE) and url != SQLITE):
        return url
    raise ValueError(
        "must be sqlite:///FILE (sqlite:////absolute/FILE) or postgresql://USER@HOST/DATABASE"
    )


def store_for(url: str) -> Store:
    """The store that `url` names, not yet open."""
    check_url(url)
    if url.startswith(SQLITE):
        return SqliteStore(Path(url.removeprefix(SQLITE)))
    # Not everybody has PostgreSQL, and its driver takes long to load.
    from gateway.stores.postgres import PostgresStore  # noqa: PLC0415 - see above

    return PostgresStore(url)
