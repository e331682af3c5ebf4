"""Which URLs name a store."""

from __future__ import annotations

from typing import Final

SQLITE: Final = "sqlite:///"
IN_MEMORY: Final = "sqlite:///:memory:"
POSTGRES: Final = ("postgresql://", "postgres://")


def is_shareable(url: str) -> bool:
    """Whether several processes may use the store at the same time."""
    return url.startswith(POSTGRES)


def check_url(url: str) -> str:
    """`url` if it names a store; else raises ValueError that says which URLs do."""
    if url.startswith(POSTGRES) or (url.startswith(SQLITE) and url != SQLITE):
        return url
    raise ValueError(
        "must be sqlite:///FILE (sqlite:////absolute/FILE) or postgresql://USER@HOST/DATABASE"
    )
